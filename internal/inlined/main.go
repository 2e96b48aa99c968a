// Inlined is a program in which a profile has the compiler inline exec.CommandContext of
// os/exec. The Cancel that it sets has another code then, and must be recognized all the
// same. With the name of a file it writes the profile:
//
//	go run ./internal/inlined profile
//	go run -pgo=profile ./internal/inlined
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"go.execx.dev/execx"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) == 2 {
		if err := writeProfile(os.Args[1]); err != nil {
			log.Fatal(err)
		}
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := command(ctx, "/bin/sleep")
	c.Args = append(c.Args, "1000")
	code := runtime.FuncForPC(reflect.ValueOf(c.Cancel).Pointer()).Name()
	if strings.HasPrefix(code, "os/exec.") {
		// A profile is made of samples: not each has the compiler find the call hot.
		log.Print("SKIPPED: exec.CommandContext is not inlined with this profile")
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

// writeProfile writes a profile in which command is hot.
func writeProfile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		for range 1000 {
			command(context.Background(), "/bin/sleep")
		}
	}
	pprof.StopCPUProfile()
	return f.Close()
}

//go:noinline
func command(ctx context.Context, name string) *execx.Cmd {
	return &execx.Cmd{Cmd: *exec.CommandContext(ctx, name)}
}
