//go:build !unix

package main

import "go.execx.dev/examples/internal/interrupts"

func notify() signals { return signals{interrupts: interrupts.Notify()} }
