package main

import (
	"context"
	"os"
)

// shutdown shuts the services down, and returns the exit status. The second
// interrupt, counting the one that has led here, kills them, and the third one abandons
// them.
func (s *supervisor) shutdown(interrupts <-chan os.Signal) int {
	ctx, kill := context.WithCancel(context.Background())
	defer kill()
	status := make(chan int, 1)
	go func() { status <- s.shutdownAll(ctx) }()
	for ctx.Err() == nil {
		select {
		case code := <-status:
			s.output.flush()
			return code
		case <-interrupts:
			kill()
		}
	}

	for _, v := range s.services {
		if v.cmd != nil {
			v.cmd.Kill() // now, and not in its turn
		}
	}
	select {
	case code := <-status:
		s.output.flush()
		return code
	case <-interrupts:
		return exitFailed
	}
}

// shutdownAll shuts the services down in reverse order. It kills those that are
// left when ctx is done.
func (s *supervisor) shutdownAll(ctx context.Context) (status int) {
	for i := len(s.services) - 1; i >= 0; i-- {
		if !s.shutdownOne(ctx, s.services[i]) {
			status = exitFailed
		}
	}
	return status
}

// shutdownOne shuts a service down, and reports whether it ended without being
// killed.
func (s *supervisor) shutdownOne(ctx context.Context, v *service) bool {
	if v.cmd == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, s.grace)
	defer cancel()
	err := v.cmd.Shutdown(ctx)
	killed := ctx.Err() != nil
	switch {
	case killed:
		s.say(v, "had to be killed: %s", outcome(err))
	case v.running:
		s.say(v, "shut down: %s", outcome(err))
	}
	return !killed
}
