package storetest

func identityCases() []testCase {
	return []testCase{
		{name: "IdentityNamesTheStore", run: identityNamesTheStore},
		{name: "PartitionsAreFixed", run: partitionsAreFixed},
	}
}

func identityNamesTheStore(f *fixture) {
	first := f.store.Identity()
	if first.IsZero() || first != f.store.Identity() {
		f.Errorf("the identity is %v, then %v", first, f.store.Identity())
	}
	other := f.mustOpen(f.TempDir())
	if other.Identity() == first {
		f.Errorf("two stores have the identity %v", first)
	}
	if err := other.Close(); err != nil {
		f.Errorf("close store: %v", err)
	}
}

func partitionsAreFixed(f *fixture) {
	n := f.store.Partitions()
	if n < 1 || n != f.store.Partitions() {
		f.Errorf("the store has %d partitions, then %d", n, f.store.Partitions())
	}
	if want := f.features.Partitions; want > 0 && n != want {
		f.Errorf("the store has %d partitions, want %d", n, want)
	}
}
