package b

import (
	"os"

	exec "go.execx.dev/execx"
)

func swapped(c *exec.Cmd) {
	d := *c // want "must not be copied"
	d.Wait()
	r, _ := c.StdoutPipe()
	_ = r.(*os.File) // want "is not an .os.File"
	for {
		if c.Wait() != nil { // want "may not end"
			return
		}
	}
}
