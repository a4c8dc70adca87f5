// Package account is who may log in: users with passwords, kept in a text file.
//
// [Users] are the accounts of a users file as they are now; [Users.Watch] keeps them up to date, [Users.Verify] checks a
// password. [Tries] delays those who guess. [Add], [SetPassword] and [SetDisabled] change a users file, whether or not a
// server reads it at that moment; [Read] shows one. [ReadNumbers] reads the users' numbers of older versions; they are in the
// data store now.
//
// A users file has one account a line, name:state:hash. The state is empty or "disabled". Lines that begin with # and
// blank lines mean nothing, and stay where they are when the file is changed. The hash is Argon2id in the PHC form, with
// its costs in it:
//
//	# the night shift
//	ada::$argon2id$v=19$m=19456,t=2,p=1$c29tZSByYW5kb20gc2FsdA$6ohEwuIWqLgVzkNEQnzBTAKl...
//	bob:disabled:$argon2id$v=19$m=19456,t=2,p=1$YW5vdGhlciByYW5kb20...$LuSSlVLVdRcq5Y3P...
//
// An account is removed by deleting its line. Names are compared without case, as 4D compares text.
//
// Everything here may be called from any goroutine. Verify and the changes block, on a place in the pool, on a lock, on
// the disk; each says what ends the wait. No goroutine is started here except by whoever calls Watch.
package account
