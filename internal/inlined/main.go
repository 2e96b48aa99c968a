// Inlined is a program in which a profile makes the compiler inline exec.CommandContext of os/exec.
// The Cancel that it sets is a different function then, and must still be recognized. The profile
// has the format written by go tool preprofile:
//
//	profile=$PWD/internal/inlined/profile
//	go run -gcflags=os/exec=-pgoprofile=$profile -gcflags=go.execx.dev/internal/inlined=-pgoprofile=$profile ./internal/inlined
package main

import (
	"context"
	"fmt"
	"log"
	"os/exec"
	"reflect"
	"runtime"
	"strings"

	"go.execx.dev/execx"
)

func main() {
	log.SetFlags(0)
	ctx, cancel := context.WithCancel(context.Background())
	c := command(ctx, "/bin/sleep")
	c.Args = append(c.Args, "1000")
	code := runtime.FuncForPC(reflect.ValueOf(c.Cancel).Pointer()).Name()
	if strings.HasPrefix(code, "os/exec.") {
		log.Fatal("exec.CommandContext is not inlined")
	}
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	cancel()
	err := c.Wait()
	fmt.Printf("%s: %v\n", code, err)
	if err == nil || err.Error() != "signal: killed" {
		log.Fatal("the context has not killed the process")
	}
}

//go:noinline
func command(ctx context.Context, name string) *execx.Cmd {
	return &execx.Cmd{Cmd: *exec.CommandContext(ctx, name)} // the profile refers to the first line
}
