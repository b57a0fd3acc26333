package problem

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A name that the registry has and the schemas lack would be described as
// nothing at all.
func TestComponentsDescribeEveryMemberAndField(t *testing.T) {
	used := map[string]bool{}
	for i := range registry {
		for _, m := range registry[i].members {
			assert.Contains(t, memberSchemas(), m.name, registry[i].kind)
			used[m.name] = true
		}
		for _, f := range registry[i].fields {
			assert.NotEmpty(t, fieldMeanings[f.name], f.name)
		}
	}
	assert.Len(t, memberSchemas(), len(used), "schemas of members that no kind has")
	for _, m := range standardMembers {
		assert.Contains(t, standardSchemas, m.name)
	}
	assert.Len(t, standardSchemas, len(standardMembers))
}

func TestComponentsAreTheCallersOwn(t *testing.T) {
	first, _ := Components()["schemas"].(object)
	delete(first, "Problem")
	problem, _ := Components()["schemas"].(object)["Problem"].(object)
	properties, _ := problem["properties"].(object)
	properties["type"] = nil
	again, _ := Components()["schemas"].(object)["Problem"].(object)
	assert.NotNil(t, again["properties"].(object)["type"])
}
