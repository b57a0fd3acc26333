package store

import "errors"

// RenameFields returns err with the Field of each [*ConfigError] in it as rename
// has it: for the constructor of something that is made of other parts, and has
// their mistakes to report by the names that its own caller knows. The errors
// are joined as in err, whatever is no ConfigError as it is; err is not changed.
func RenameFields(err error, rename func(field string) string) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, err := range joined.Unwrap() {
			all = append(all, RenameFields(err, rename))
		}
		return errors.Join(all...)
	}
	mistake, ok := errors.AsType[*ConfigError](err)
	if !ok {
		return err
	}
	renamed := *mistake
	renamed.Field = rename(renamed.Field)
	return &renamed
}
