package talixtest

import "time"

// Impatient lets a runtime wait for what is outside of it for no longer than d.
func Impatient(r *Runtime, d time.Duration) { r.bubble.world = d }
