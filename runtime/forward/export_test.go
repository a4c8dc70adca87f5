package forward

// NewWithClock makes an engine whose clock a test turns. A loop looks at it whenever something happens.
var NewWithClock = newEngine
