package natsstore

import "encoding/base64"

// names are those of a bucket on the server.
type names struct {
	stream  string // the stream behind the bucket
	records string // what the subjects of records begin with
	changes string // what the subjects begin with on which changes are told
}

func namesOf(bucket string) names {
	return names{
		stream:  "KV_" + bucket,
		records: "$KV." + bucket + ".",
		changes: "concord.changed." + bucket + ".",
	}
}

// info is where the leader is asked about the stream.
func (n names) info() string { return "$JS.API.STREAM.INFO." + n.stream }

// token is a key in the alphabet of subjects: one token, for dots in a key mean
// nothing; at most 683 bytes.
func token(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }
