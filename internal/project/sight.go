package project

// Sight is what a process knows of those that work on the log and the tables.
type Sight struct {
	// Living are the names of those that are at work, this one among them; nil:
	// that is not known yet.
	Living []string
	// Owners are the names of those that serve the partitions, by partition;
	// empty: nobody does.
	Owners []string
}
