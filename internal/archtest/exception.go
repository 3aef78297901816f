package archtest

import "fmt"

// Exception lets one place off one rule, and says why.
type Exception struct {
	Rule    string
	File    string // below the module's root
	Subject string // as in the finding
	Reason  string
}

// Excuse takes those findings away that an exception names. An exception
// without a reason, and one that excuses nothing, are findings themselves.
func Excuse(findings []Finding, exceptions []Exception) []Finding {
	used := make([]bool, len(exceptions))
	var left []Finding
	for _, f := range findings {
		if i := match(f, exceptions); i >= 0 {
			used[i] = true
		} else {
			left = append(left, f)
		}
	}
	for i, e := range exceptions {
		left = append(left, audit(e, used[i])...)
	}
	return left
}

func match(f Finding, exceptions []Exception) int {
	for i, e := range exceptions {
		if e.Rule == f.Rule && e.File == f.File && e.Subject == f.Subject {
			return i
		}
	}
	return -1
}

func audit(e Exception, used bool) []Finding {
	f := Finding{Rule: "exception", File: e.File, Line: 1, Subject: e.Subject}
	if e.Reason == "" {
		f.Problem = fmt.Sprintf("the exception from %s for %q has no reason", e.Rule, e.Subject)
		f.Mend = "say in exceptions.go why it is needed"
		return []Finding{f}
	}
	if !used {
		f.Problem = fmt.Sprintf("the exception from %s for %q excuses nothing", e.Rule, e.Subject)
		f.Mend = "delete it from exceptions.go"
		return []Finding{f}
	}
	return nil
}
