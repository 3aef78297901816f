// Bank is the smallest real application: accounts, deposits and withdrawals.
package main

import (
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/standalone"
)

func main() { standalone.Main(account.Service) }
