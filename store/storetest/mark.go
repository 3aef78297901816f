package storetest

import "github.com/talix-dev/talix/store"

func markCases() []testCase {
	return []testCase{
		{name: "MarkMoves", run: markMoves},
		{name: "MarkIsComparedAndSet", run: markIsComparedAndSet},
		{name: "MarkMovesWithEvents", run: markMovesWithEvents},
		{name: "MarksOfSeveralConsumers", run: marksOfSeveralConsumers},
		{name: "MarksAreAllOrNothing", run: marksAreAllOrNothing},
		{name: "MarksFollowInOneCall", run: marksFollowInOneCall},
		{name: "MarksArePerPartition", run: marksArePerPartition},
	}
}

func move(consumer string, from, to store.Position) store.Batch {
	return store.Batch{Marks: []store.Mark{{Consumer: consumer, From: from, To: to}}}
}

// markMoves: forwards, and backwards for those who read again.
func markMoves(f *fixture) {
	p := f.home()
	f.wantMark("view", p, 0)
	var at store.Position
	for _, to := range []store.Position{1, 5, 1 << 50, 3, 3, 4} {
		f.durable(p, move("view", at, to))
		f.wantMark("view", p, to)
		at = to
	}
}

func markIsComparedAndSet(f *fixture) {
	p := f.home()
	f.expect(p, []store.Batch{move("view", 1, 2)}, store.Conflict)
	f.wantMark("view", p, 0)
	f.durable(p, move("view", 0, 5))
	for _, wrong := range []store.Position{0, 4, 6} {
		f.expect(p, []store.Batch{move("view", wrong, 9)}, store.Conflict)
	}
	f.wantMark("view", p, 5)
}

func markMovesWithEvents(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	b := f.batch(s, 0, 1)
	b.Marks = move("action", 0, 4).Marks
	f.durable(p, b)
	f.wantMark("action", p, 4)
	again := f.batch(s, 1, 1)
	again.Marks = b.Marks
	f.expect(p, []store.Batch{again}, store.Conflict)
	f.wantVersion(s, 1)
	f.wantMark("action", p, 4)
}

func marksOfSeveralConsumers(f *fixture) {
	p := f.home()
	names := []string{"view", "View", "view ", "行動", "a/b:c"}
	b := store.Batch{}
	for i, name := range names {
		b.Marks = append(b.Marks, store.Mark{Consumer: name, To: store.Position(i + 1)})
	}
	f.durable(p, b)
	f.durable(p, move("view", 1, 100))
	f.wantMark("view", p, 100)
	for i, name := range names[1:] {
		f.wantMark(name, p, store.Position(i+2))
	}
}

func marksAreAllOrNothing(f *fixture) {
	p := f.home()
	f.durable(p, move("there", 0, 5))
	b := store.Batch{Marks: []store.Mark{
		{Consumer: "new", To: 1}, {Consumer: "there", From: 4, To: 6}, {Consumer: "other", To: 1},
	}}
	f.expect(p, []store.Batch{b}, store.Conflict)
	f.wantMark("new", p, 0)
	f.wantMark("there", p, 5)
	f.wantMark("other", p, 0)
}

func marksFollowInOneCall(f *fixture) {
	p := f.home()
	batches := []store.Batch{move("view", 0, 1), move("view", 1, 2), move("view", 1, 3), move("view", 2, 4)}
	f.expect(p, batches, store.Durable, store.Durable, store.Conflict, store.Durable)
	f.wantMark("view", p, 4)
}

func marksArePerPartition(f *fixture) {
	for _, p := range f.some() {
		f.wantMark("view", p, 0)
		f.durable(p, move("view", 0, store.Position(p)+10))
	}
	for _, p := range f.some() {
		f.wantMark("view", p, store.Position(p)+10)
	}
}
