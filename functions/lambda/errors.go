package lambda

import (
	"errors"

	"example.com/copse/pkg/fault"
)

// The platform names a returned error by its Go type: Step Functions matches
// it in Catch and Retry (ErrorEquals), and it stands in asynchronous
// destinations. So the names of these types are a contract, and a test pins
// them.

// InvalidInput is returned for a direct invocation that can never be answered:
// its text begins with the code of the fault. Trying again does not help.
type InvalidInput struct{ Fault *fault.Error }

// TemporaryFailure is returned for a direct invocation that may be answered
// when it is tried again.
type TemporaryFailure struct{ Fault *fault.Error }

// InternalError is returned when the function itself is at fault. The log
// says more.
type InternalError struct{}

// InvalidEvent is returned for an event that is recognised but cannot be read.
// For a queue it makes the platform deliver the whole batch again.
type InvalidEvent struct{ Reason string }

// UnsupportedEvent is returned for an event that this function does not
// answer. An asynchronous invocation then ends in the function's dead-letter
// queue or destination, a queue's batch is delivered again.
type UnsupportedEvent struct{ Reason string }

// ReplyTooLarge is returned for a direct invocation whose reply is larger than
// the platform carries.
type ReplyTooLarge struct{}

func (e *InvalidInput) Error() string     { return shown(e.Fault) }
func (e *TemporaryFailure) Error() string { return shown(e.Fault) }
func (e *InternalError) Error() string    { return "internal: the log of the function says more" }
func (e *InvalidEvent) Error() string     { return "invalid event: " + e.Reason }
func (e *UnsupportedEvent) Error() string { return "unsupported event: " + e.Reason }
func (e *ReplyTooLarge) Error() string {
	return "reply_too_large: the reply is over 6,291,556 bytes: send fewer rows, or files through the command line"
}

// Unwrap gives the fault to errors.As.
func (e *InvalidInput) Unwrap() error { return e.Fault }

// Unwrap gives the fault to errors.As.
func (e *TemporaryFailure) Unwrap() error { return e.Fault }

// shown is the fault without its cause, which only the log may see.
func shown(e *fault.Error) string {
	public := *e
	public.Err = nil
	return public.Error()
}

func invalidEvent(reason string) error { return &InvalidEvent{reason} }

// directError gives an error of a direct invocation its name on the wire.
func directError(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok || e.Code == fault.Internal:
		return new(InternalError)
	case e.Code.Outcome() == fault.Retry:
		return &TemporaryFailure{e}
	}
	return &InvalidInput{e}
}
