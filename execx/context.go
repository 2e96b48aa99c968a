package execx

import (
	"context"
	"reflect"
)

// safe returns ctx as a context that package context can be trusted with, whoever has
// made it. It panics if ctx is nil, as CommandContext does.
func safe(ctx context.Context) context.Context {
	if ctx == nil {
		panic("nil Context")
	}
	for {
		switch reflect.TypeOf(ctx) {
		case backgroundCtx, cancelCtx, timerCtx:
			return ctx
		}
		parent, ok := wrapped(ctx)
		if !ok {
			return foreignContext{ctx}
		}
		ctx = parent
	}
}

// hasEnded reports whether ctx, which may be nil, is done.
func hasEnded(ctx context.Context) bool { return ctx != nil && safe(ctx).Err() != nil }

// The types of most contexts. They answer what package context asks by themselves.
var (
	backgroundCtx = reflect.TypeOf(context.Background())
	cancelCtx     = typeOf(context.WithCancel(context.Background()))
	timerCtx      = typeOf(context.WithTimeout(context.Background(), 0))
)

func typeOf(ctx context.Context, cancel func()) reflect.Type {
	cancel()
	return reflect.TypeOf(ctx)
}

// wrapped returns the context that is done when ctx is, if ctx is what context.WithValue or
// signal.NotifyContext has made of that.
func wrapped(ctx context.Context) (context.Context, bool) {
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

// A foreignContext is a context of the program's own. As under os/exec, only Done and Err are
// called of it, and Err need not be quite ready when Done is. Package context would crash
// then, and ask for a private Value, too, to save a goroutine.
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
