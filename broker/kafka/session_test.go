package kafka_test

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// sessions ends those of members that have fallen silent. Of a member that dies
// while it waits to join, kfake keeps the partitions for ever, where Kafka sees
// the end of its session.
type sessions struct {
	client *kgo.Client
	mu     sync.Mutex
	seen   map[string]time.Time // when each member was last heard
}

// watchSessions does so until ctx ends.
func watchSessions(ctx context.Context, c *kfake.Cluster) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		return err
	}
	s := &sessions{client: client, seen: map[string]time.Time{}}
	for _, kind := range []kmsg.Request{kmsg.NewPtrSyncGroupRequest(), kmsg.NewPtrHeartbeatRequest(), kmsg.NewPtrOffsetCommitRequest()} {
		c.ControlKey(kind.Key(), func(r kmsg.Request) (kmsg.Response, error, bool) {
			s.heard(memberOf(r))
			return nil, nil, false
		})
	}
	go s.watch(ctx)
	return nil
}

func memberOf(r kmsg.Request) string {
	switch r := r.(type) {
	case *kmsg.SyncGroupRequest:
		return r.MemberID
	case *kmsg.HeartbeatRequest:
		return r.MemberID
	case *kmsg.OffsetCommitRequest:
		return r.MemberID
	}
	return ""
}

func (s *sessions) heard(member string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[member] = time.Now()
}

func (s *sessions) watch(ctx context.Context) {
	defer s.client.Close()
	look := time.NewTicker(session / 4)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			s.expire(ctx)
		}
	}
}

// expire ends sessions of members that could speak and did not.
func (s *sessions) expire(ctx context.Context) {
	list, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, s.client)
	if err != nil {
		return
	}
	describe := kmsg.NewPtrDescribeGroupsRequest()
	for _, g := range list.Groups {
		describe.Groups = append(describe.Groups, g.Group)
	}
	groups, err := describe.RequestWith(ctx, s.client)
	if err != nil {
		return
	}
	for _, g := range groups.Groups {
		for _, m := range g.Members {
			if s.silent(m.MemberID, g.State) {
				s.remove(ctx, g.Group, m.MemberID)
			}
		}
	}
}

// silent tells whether a member's session is over. Those that wait for the
// others of a rebalance are not.
func (s *sessions) silent(member, state string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.seen[member]; !known || state == "PreparingRebalance" {
		s.seen[member] = time.Now()
	}
	return time.Since(s.seen[member]) > session
}

func (s *sessions) remove(ctx context.Context, group, member string) {
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group = group
	m := kmsg.NewLeaveGroupRequestMember()
	m.MemberID = member
	leave.Members = append(leave.Members, m)
	_, _ = leave.RequestWith(ctx, s.client) // else at the next look
}
