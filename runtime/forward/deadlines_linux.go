package forward

// deadlines are the times at which flows must be looked at, the earliest first. A flow is in it once, at a time that
// may be too early: the flow is looked at then, and put back. So moving bytes changes nothing here.
type deadlines struct{ heap []deadline }

type deadline struct {
	at   int64 // by the engine's clock
	flow *flow
}

// add puts a flow in, or, if it is in it, at an earlier time.
func (d *deadlines) add(f *flow, at int64) {
	if f.due == 0 {
		d.heap = append(d.heap, deadline{at, f})
		f.due = int32(len(d.heap))
	} else if at < d.heap[f.due-1].at {
		d.heap[f.due-1].at = at
	} else {
		return
	}
	d.up(int(f.due - 1))
}

// first is when the first flow must be looked at; 0: there is none.
func (d *deadlines) first() int64 {
	if len(d.heap) == 0 {
		return 0
	}
	return d.heap[0].at
}

// pop takes one flow out whose time has come; nil: there is none.
func (d *deadlines) pop(now int64) *flow {
	if len(d.heap) == 0 || d.heap[0].at > now {
		return nil
	}
	f := d.heap[0].flow
	d.remove(f)
	return f
}

// remove takes a flow out, if it is in it.
func (d *deadlines) remove(f *flow) {
	if f.due == 0 {
		return
	}
	i, last := int(f.due-1), len(d.heap)-1
	d.swap(i, last)
	d.heap[last] = deadline{}
	d.heap = d.heap[:last]
	f.due = 0
	if i < last {
		d.down(i)
		d.up(i)
	}
}

func (d *deadlines) up(i int) {
	for i > 0 && d.heap[i].at < d.heap[(i-1)/2].at {
		d.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (d *deadlines) down(i int) {
	for {
		least := 2*i + 1
		if least >= len(d.heap) {
			return
		}
		if right := least + 1; right < len(d.heap) && d.heap[right].at < d.heap[least].at {
			least = right
		}
		if d.heap[i].at <= d.heap[least].at {
			return
		}
		d.swap(i, least)
		i = least
	}
}

func (d *deadlines) swap(i, j int) {
	d.heap[i], d.heap[j] = d.heap[j], d.heap[i]
	d.heap[i].flow.due, d.heap[j].flow.due = int32(i+1), int32(j+1)
}
