package postgres_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
)

func ExampleOpen() {
	ctx := context.Background()
	s, err := postgres.Open(ctx, postgres.Config{DSN: os.Getenv("DATABASE_URL")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println("a store with", s.Partitions(), "partitions")
}

// A node claims a partition before it serves it, and is fenced off as soon as
// another one has claimed it.
func ExampleStore_Claim() {
	ctx := context.Background()
	s, err := postgres.Open(ctx, postgres.Config{DSN: os.Getenv("DATABASE_URL")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	if err := s.Beat(ctx, "node-1", "10.0.0.1:7000", 2*time.Second); err != nil {
		fmt.Println(err)
		return
	}
	epoch, ok, err := s.Claim(ctx, store.Partition(7), "node-1")
	fmt.Println(epoch, ok, err)
}

func ExampleOpenTables() {
	ctx := context.Background()
	s, err := postgres.OpenTables(ctx, postgres.TablesConfig{DSN: os.Getenv("DATABASE_URL")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	for row, err := range s.Query(ctx, "SELECT name FROM documents ORDER BY name", nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row[0].Text())
	}
}
