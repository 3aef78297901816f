package analyze

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/talix-dev/talix/examples/expenses/analyze/detect"
)

// readCompletion takes the message out of a server's answer.
func readCompletion(body []byte) (string, error) {
	var completion struct {
		Choices []struct {
			Message struct {
				Content *string `json:"content"`
				Refusal string  `json:"refusal"`
			} `json:"message"`
			FinishReason string `json:"finish_reason"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(body, &completion); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadAnswer, err)
	}
	if len(completion.Choices) == 0 {
		return "", fmt.Errorf("%w: it has no choices", ErrBadAnswer)
	}
	switch choice := completion.Choices[0]; {
	case choice.Message.Refusal != "":
		return "", fmt.Errorf("%w: the model refused: %s", ErrBadAnswer, printable(choice.Message.Refusal, 200))
	case choice.FinishReason != "" && choice.FinishReason != "stop":
		return "", fmt.Errorf("%w: it ended with %q", ErrBadAnswer, printable(choice.FinishReason, 40))
	case choice.Message.Content == nil:
		return "", fmt.Errorf("%w: it has no content", ErrBadAnswer)
	default:
		return *choice.Message.Content, nil
	}
}

// answer is what the schema asks for. Pointers tell what is missing.
type answer struct {
	IsExpense *bool   `json:"isExpense"`
	Vendor    *string `json:"vendor"`
	Amount    *string `json:"amount"`
	Currency  *string `json:"currency"`
	Date      *string `json:"date"`
	Reason    *string `json:"reason"`
}

func readAnswer(content string) (Analysis, error) {
	var a answer
	decoder := json.NewDecoder(bytes.NewReader([]byte(content)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&a); err != nil {
		return Analysis{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Analysis{}, errors.New("there is more behind the object")
	}
	if a.IsExpense == nil || a.Vendor == nil || a.Amount == nil || a.Currency == nil || a.Date == nil || a.Reason == nil {
		return Analysis{}, errors.New("a field is missing")
	}
	reason := printable(*a.Reason, 300)
	if !*a.IsExpense {
		return Analysis{Reason: reason}, nil
	}
	return a.expense(reason)
}

const maxVendor = 200

func (a answer) expense(reason string) (Analysis, error) {
	amount, err := checkAmount(*a.Amount, *a.Currency)
	if err != nil {
		return Analysis{}, err
	}
	if _, err := time.Parse(time.DateOnly, *a.Date); err != nil && *a.Date != "" {
		return Analysis{}, fmt.Errorf("the date %.40q is none", *a.Date)
	}
	return Analysis{
		IsExpense: true,
		Vendor:    printable(*a.Vendor, maxVendor),
		Amount:    amount,
		Currency:  *a.Currency,
		Date:      *a.Date,
		Reason:    reason,
	}, nil
}

var exact = regexp.MustCompile(`^-?(?:0|[1-9][0-9]{0,11})(?:\.([0-9]{1,3}))?$`)

// checkAmount takes an amount with at most the decimals that the currency
// has, and writes all of them.
func checkAmount(amount, currency string) (string, error) {
	if !detect.IsCurrency(currency) {
		return "", fmt.Errorf("the currency %.40q is none of ISO 4217", currency)
	}
	m := exact.FindStringSubmatch(amount)
	if len(m) < 2 || len(m[1]) > detect.Exponent(currency) {
		return "", fmt.Errorf("the amount %.40q is none in %s", amount, currency)
	}
	missing := strings.Repeat("0", detect.Exponent(currency)-len(m[1]))
	if m[1] == "" && missing != "" {
		missing = "." + missing
	}
	return amount + missing, nil
}
