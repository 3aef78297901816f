package storetest

import (
	"fmt"
	"time"

	"github.com/talix-dev/talix/store"
)

// killSpace holds what the batches with events leave beside the log: a record
// of each, of which later ones sweep some away, and the one of the last.
const killSpace = "storetest"

// changes are those of a batch that comes after the batch last.
func (k work) changes(last store.ID) []store.Change {
	at := func(key string) store.Record {
		return store.Record{Space: killSpace, Key: key, Rev: k.key, Data: k.result()}
	}
	own := at("batch/" + k.key.String())
	if k.key[6]%2 == 0 {
		own.Due = time.UnixMicro(int64(k.key[7]) - 128).UTC()
	}
	changes := []store.Change{put(own, store.ID{}), put(at("last"), last)}
	if swept := k.key[5] >> 4; swept != k.key[0]>>4 {
		changes = append(changes, store.Change{Record: at(fmt.Sprintf("batch/%x", swept)), Op: store.DeleteUnder})
	}
	return changes
}

// verifyRecords: they moved with the events.
func (k *killer) verifyRecords(s store.Store, p store.Partition, events []store.Event) error {
	keeper, ok := s.(store.Keeper)
	if !ok {
		return nil
	}
	var last store.ID
	want := newReference()
	for _, e := range events {
		if e.Command != last {
			want.change(work{e.Command, p, s.Partitions()}.changes(last))
			last = e.Command
		}
	}
	got, err := keeper.Records(k.Context(), p, killSpace, "", "", len(events)+2)
	if err == nil {
		err = sameRecords(got, want.kept())
	}
	if err != nil {
		return fmt.Errorf("the records of %d events: %w", len(events), err)
	}
	if got, err = keeper.Due(k.Context(), p, killSpace, store.Record{}, time.Time{}, len(events)+1); err == nil {
		err = sameRecords(got, want.due(time.Time{}))
	}
	if err != nil {
		return fmt.Errorf("the due records of %d events: %w", len(events), err)
	}
	return nil
}
