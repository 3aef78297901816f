package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store"
)

// Node is a process that serves partitions.
type Node struct {
	Name    string
	Address string
	// Left is how long its lease was still to last, by the database's clock,
	// when Nodes asked; it has ended if that is not above zero.
	Left time.Duration
}

// Owner is the node that claimed a partition, and the epoch of its claim.
type Owner struct {
	Partition store.Partition
	Node      string
	Epoch     int64
}

// Beat makes or renews the lease of a node, for the given time from now on by
// the database's clock. The node must reckon from the moment before it called.
func (s *Store) Beat(ctx context.Context, name, address string, lease time.Duration) error {
	_, err := s.change(ctx, 0, "renew lease of node "+name, s.sql.beat, escape(name), address, lease.Seconds())
	return err
}

// Leave ends the lease of a node at once.
func (s *Store) Leave(ctx context.Context, name string) error {
	_, err := s.change(ctx, 0, "end lease of node "+name, s.sql.leave, escape(name))
	return err
}

// Nodes are all nodes that have a lease, or had one and did not leave.
func (s *Store) Nodes(ctx context.Context) (nodes []Node, err error) {
	err = s.read(ctx, 0, "list nodes", func() error {
		return s.query(ctx, func(row [][]byte) (bool, error) {
			nodes = append(nodes, Node{unescape(string(row[0])), string(row[1]), time.Duration(readFloat(row[2]) * float64(time.Second))})
			return true, nil
		}, s.sql.nodes)
	})
	return nodes, err
}

// Owners are the partitions that have an owner.
func (s *Store) Owners(ctx context.Context) (owners []Owner, err error) {
	err = s.read(ctx, 0, "list owners", func() error {
		return s.query(ctx, func(row [][]byte) (bool, error) {
			owners = append(owners, Owner{store.Partition(readInt(row[0])), unescape(string(row[1])), readInt(row[2])})
			return true, nil
		}, s.sql.owners)
	})
	return owners, err
}

// Claim makes a node the owner of a partition, unless another one owns it whose
// lease has not ended; that is false without an error. From then on this Store
// commits to the partition under the new epoch, and once another node has
// claimed it, batches are Failed with ErrFenced. A partition that was never
// claimed through this Store is not fenced.
func (s *Store) Claim(ctx context.Context, p store.Partition, node string) (epoch int64, ok bool, err error) {
	err = s.read(ctx, p, fmt.Sprintf("claim partition %d for node %s", p, node), func() error {
		return s.onReader(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			rows, _ := conn.Query(ctx, s.sql.claim, int32(p), escape(node)) // its error is that of collecting
			epochs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			if len(epochs) == 1 && err == nil {
				epoch, ok = epochs[0], true
			}
			return err
		})
	})
	if ok {
		s.epochs[p].Store(epoch)
		s.memories[p].forget()
	}
	return epoch, ok, err
}

// Release gives a partition up that this Store has claimed for the node. All
// that this Store still commits to it is Failed with ErrFenced, until it claims
// the partition again. It is false if another node has claimed it already.
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
		return s.onReader(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			done, err := conn.Exec(ctx, text, args...)
			n = done.RowsAffected()
			return err
		})
	})
	return n, err
}
