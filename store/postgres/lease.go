package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store"
)

// Beat implements store.Leases.
func (s *Store) Beat(ctx context.Context, node, address string, lease time.Duration) error {
	_, err := s.change(ctx, 0, "renew lease of node "+node, s.sql.beat, escape(node), address, lease.Seconds())
	return err
}

// Leave implements store.Leases.
func (s *Store) Leave(ctx context.Context, node string) error {
	_, err := s.change(ctx, 0, "end lease of node "+node, s.sql.leave, escape(node))
	return err
}

// Nodes implements store.Leases.
func (s *Store) Nodes(ctx context.Context) (nodes []store.Node, err error) {
	err = s.read(ctx, 0, "list nodes", func() error {
		return s.queryOn(ctx, s.leases, func(row [][]byte) (bool, error) {
			left := time.Duration(readFloat(row[2]) * float64(time.Second))
			nodes = append(nodes, store.Node{Name: unescape(string(row[0])), Address: string(row[1]), Left: left})
			return true, nil
		}, s.sql.nodes)
	})
	return nodes, err
}

// Owners implements store.Leases.
func (s *Store) Owners(ctx context.Context) (owners []store.Owner, err error) {
	err = s.read(ctx, 0, "list owners", func() error {
		return s.queryOn(ctx, s.leases, func(row [][]byte) (bool, error) {
			owners = append(owners, store.Owner{
				Partition: store.Partition(readInt(row[0])), Node: unescape(string(row[1])), Epoch: store.Epoch(readInt(row[2])),
			})
			return true, nil
		}, s.sql.owners)
	})
	return owners, err
}

// Claim implements store.Leases.
func (s *Store) Claim(ctx context.Context, p store.Partition, node string) (epoch store.Epoch, ok bool, err error) {
	err = s.read(ctx, p, fmt.Sprintf("claim partition %d for node %s", p, node), func() error {
		return s.onConn(ctx, s.leases, func(ctx context.Context, conn *pgx.Conn) error {
			var b pgx.Batch // one transaction, which no pause of this process can hold open
			b.Queue(s.sql.claimRow, int32(p))
			b.Queue(s.sql.claimLease, int32(p))
			b.Queue(s.sql.claim, int32(p), escape(node)).Query(func(rows pgx.Rows) error {
				epochs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
				if len(epochs) == 1 && err == nil {
					epoch, ok = store.Epoch(epochs[0]), true
				}
				return err
			})
			err := conn.SendBatch(ctx, &b).Close()
			ok = ok && err == nil
			return err
		})
	})
	if ok {
		s.epochs[p].Store(int64(epoch))
		s.memories[p].forget()
	}
	return epoch, ok, err
}

// Release implements store.Leases.
func (s *Store) Release(ctx context.Context, p store.Partition, node string) (ok bool, err error) {
	doing := fmt.Sprintf("release partition %d of node %s", p, node)
	if p < 0 || int(p) >= s.partitions {
		return false, fmt.Errorf("%s: there is no such partition", doing)
	}
	changed, err := s.change(ctx, p, doing, s.sql.release, int32(p), escape(node), s.epochs[p].Load())
	return changed > 0, err
}

// change runs a statement that changes rows, and counts them.
func (s *Store) change(ctx context.Context, p store.Partition, doing, text string, args ...any) (n int64, err error) {
	err = s.read(ctx, p, doing, func() error {
		return s.onConn(ctx, s.leases, func(ctx context.Context, conn *pgx.Conn) error {
			done, err := conn.Exec(ctx, text, args...)
			n = done.RowsAffected()
			return err
		})
	})
	return n, err
}
