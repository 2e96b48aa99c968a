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
	switch reflect.TypeOf(ctx) {
	case backgroundCtx, cancelCtx, timerCtx:
		return ctx
	}
	return foreignContext{ctx}
}

// The types of most contexts. They answer what package context asks by themselves. Other
// types leave it to a parent, which may be of any type.
var (
	backgroundCtx = reflect.TypeOf(context.Background())
	cancelCtx     = typeOf(context.WithCancel(context.Background()))
	timerCtx      = typeOf(context.WithTimeout(context.Background(), 0))
)

func typeOf(ctx context.Context, cancel func()) reflect.Type {
	cancel()
	return reflect.TypeOf(ctx)
}

// A foreignContext may be, or be made from, a context of the program's own. os/exec calls
// no more than Done and Err of that, and does not crash if Err is not quite ready when
// Done is. Package context would, and asks for a private Value, too, to save a goroutine.
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

func (c foreignContext) Value(key any) (value any) {
	defer func() { recover() }()
	return c.Context.Value(key)
}
