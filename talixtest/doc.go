// Package talixtest is what applications are tested with.
//
// A command is tested without a runtime: given events, when a command, then
// events, a reply or a rejection. What follows from commands (actions, views,
// timers, messages) is tested on a whole runtime in memory, whose clock stands
// still until the test moves it, and which has done everything that there is to
// do whenever a call returns.
package talixtest
