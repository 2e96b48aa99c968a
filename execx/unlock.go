package execx

// loosen has unlock call stop, unless that is nil. It ends the hold that a context has on the
// child, or closes a pipe. p.mu is held.
func (p *child) loosen(stop func() bool) {
	if stop != nil {
		p.loose = append(p.loose, stop)
	}
}

// told are waiters that have left a child, and what they are to be told.
type told struct {
	waiters []*waiter
	err     error
}

// tellLater has unlock tell err. p.mu is held.
func (p *child) tellLater(waiters []*waiter, err error) {
	p.telling = append(p.telling, told{waiters, err})
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
	telling, p.telling = p.telling, nil
	loose, p.loose = p.loose, nil
	p.mu.Unlock()
	if len(loose) == 0 {
		return telling, nil
	}
	for _, t := range telling {
		for _, w := range t.waiters {
			if w.blocks { // and can do that as well
				w.loose = loose
				return telling, nil
			}
		}
	}
	return telling, loose
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
