package problem

// FromSQL returns the problem that an error of a database stands for.
func FromSQL(err error) (*Problem, bool) { return nil, false }
