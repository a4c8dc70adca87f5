// Package document is the text documents of scripts: files below one folder, which are written and read packet by
// packet, as 4D's document commands do.
//
// A [Folder] opens, tests and deletes documents, and knows which are open: two cannot write one document at a time. A
// [Document] is one that is open; it belongs to an [Owner], a process, and is closed with it. A packet is a piece of
// text: what one Send writes, what one Take reads. Nothing leads out of the folder: no "..", no absolute path, no link;
// and nothing but an ordinary file is a document, so that no device or named pipe is ever opened.
//
// The methods of a Folder may be called from any goroutine. Those that say so wait for the disk. The methods of a
// Document belong to whoever holds it (see [Document.Hold]).
package document
