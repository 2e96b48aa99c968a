package execx

import (
	"context"
	"reflect"
)

// safeContext returns a context that package context can be used with safely, no matter how ctx is
// implemented. It panics if ctx is nil, as exec.CommandContext does.
func safeContext(ctx context.Context) context.Context {
	if ctx == nil {
		panic("nil Context")
	}
	for {
		switch reflect.TypeOf(ctx) {
		case backgroundCtx, cancelCtx, timerCtx:
			return ctx
		}
		parent, ok := unwrapContext(ctx)
		if !ok {
			return foreignContext{ctx}
		}
		ctx = parent
	}
}

// isDone reports whether ctx, which may be nil, is done.
func isDone(ctx context.Context) bool { return ctx != nil && safeContext(ctx).Err() != nil }

// The types of most contexts. Package context implements all of their methods.
var (
	backgroundCtx = reflect.TypeOf(context.Background())
	cancelCtx     = typeOf(context.WithCancel(context.Background()))
	timerCtx      = typeOf(context.WithTimeout(context.Background(), 0))
)

func typeOf(ctx context.Context, cancel func()) reflect.Type {
	cancel()
	return reflect.TypeOf(ctx)
}

// unwrapContext returns the parent of ctx if ctx was returned by context.WithValue or
// signal.NotifyContext, and so is done when the parent is.
func unwrapContext(ctx context.Context) (context.Context, bool) {
	v := reflect.ValueOf(ctx)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, false
	}
	switch v = v.Elem(); v.Type().PkgPath() + "." + v.Type().Name() {
	case "context.valueCtx", "os/signal.signalCtx":
		parent, ok := v.FieldByName("Context").Interface().(context.Context)
		return parent, ok
	}
	return nil, false
}

// A foreignContext is a context of a type that package context does not know. As in os/exec, only
// Done and Err of it are called, and Err may still return nil right after Done was closed. Package
// context would panic in that case, and would call Value with a private key to save a goroutine.
type foreignContext struct{ context.Context }

func (c foreignContext) Err() error {
	if err := c.Context.Err(); err != nil {
		return err
	}
	select {
	case <-c.Done():
		return context.Canceled
	default:
		return nil
	}
}

func (foreignContext) Value(any) any { return nil }
