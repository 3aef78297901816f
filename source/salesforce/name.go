package salesforce

import (
	"fmt"
	"strings"
)

// changes are the words of Change Data Capture and those of events' names.
func changes() map[string]string {
	return map[string]string{
		"CREATE": "Created", "UPDATE": "Updated", "DELETE": "Deleted", "UNDELETE": "Undeleted",
		"GAP_CREATE": "Gap_Created", "GAP_UPDATE": "Gap_Updated", "GAP_DELETE": "Gap_Deleted",
		"GAP_UNDELETE": "Gap_Undeleted", "GAP_OVERFLOW": "Gap_Overflow",
	}
}

// canonical is the name as it is compared: without regard to capitals, as in
// Salesforce, and without what may stand before it.
func canonical(name string) string {
	return strings.TrimPrefix(strings.ToLower(name), "com.salesforce.")
}

// checkName refuses names that no event has.
func checkName(name string) error {
	object, change, isChange := strings.Cut(canonical(name), ".")
	if !isChange && strings.HasSuffix(object, "__e") {
		return nil
	}
	for _, word := range changes() {
		if isChange && object != "" && change == strings.ToLower(word) {
			return nil
		}
	}
	return fmt.Errorf(`salesforce event %q: write an object and what happens to it, as in "Lead.Created" (Created, Updated, Deleted, Undeleted), or a platform event, as in "Order_Placed__e"`, name)
}
