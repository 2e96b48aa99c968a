package execx

// later is what unlock does when p.mu is unlocked.
type later struct {
	telling []told
	loose   []func() bool // end holds of contexts, and close pipes
}

// told are waiters that have left a child, and what they are to be told.
type told struct {
	waiters []*waiter
	err     error
}

// doLater returns what unlock is to do. p.mu is held.
func (p *child) doLater() *later {
	if p.later == nil {
		p.later = new(later)
	}
	return p.later
}

// loosen has unlock call stop, unless that is nil. It ends the hold that a context has on the
// child, or closes a pipe. p.mu is held.
func (p *child) loosen(stop func() bool) {
	if stop != nil {
		later := p.doLater()
		later.loose = append(later.loose, stop)
	}
}

// tellLater has unlock tell err. p.mu is held.
func (p *child) tellLater(waiters []*waiter, err error) {
	later := p.doLater()
	later.telling = append(later.telling, told{waiters, err})
}

// unlock unlocks p.mu, and then tells waiters, has contexts let go and pipes closed. There can be
// very many waiters, contexts can be anybody's code, and a pipe may be waited for in a system call: no
// lock is held.
func (p *child) unlock() {
	telling, loose := p.unlocked()
	tell(telling)
	release(loose)
}

// few is how many waiters are told by those who must not take long.
const few = 100

// unlockLater is unlock for those who must not block: if there is much to do, a goroutine of its
// own does it.
func (p *child) unlockLater() {
	telling, loose := p.unlocked()
	n := 0
	for _, t := range telling {
		n += len(t.waiters)
	}
	if n > few {
		go tell(telling)
	} else {
		tell(telling)
	}
	if len(loose) > 0 {
		go release(loose)
	}
}

// unlocked unlocks p.mu, and returns who is to be told and what is to be called then.
func (p *child) unlocked() (telling []told, loose []func() bool) {
	later := p.later
	p.later = nil
	p.mu.Unlock()
	if later == nil {
		return nil, nil
	}
	if len(later.loose) == 0 {
		return later.telling, nil
	}
	for _, t := range later.telling {
		for _, w := range t.waiters {
			if s := w.sleeper(); s != nil { // which can do that as well
				s.loose = later.loose
				return later.telling, nil
			}
		}
	}
	return later.telling, later.loose
}

func tell(telling []told) {
	for _, t := range telling {
		for _, w := range t.waiters {
			w.tell(t.err)
		}
	}
}

func release(loose []func() bool) {
	for _, stop := range loose {
		stop()
	}
}
