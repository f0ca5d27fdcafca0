package order

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// crockford leaves out the letters that people misread.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Speakable makes a number that people can read out of what it is for: groups of
// five letters and digits after the prefix, 25 bits of a hash each; at most two.
func Speakable(prefix, of string, groups int) string {
	sum := sha256.Sum256([]byte(of))
	bits := binary.BigEndian.Uint64(sum[:])
	b := strings.Builder{}
	b.WriteString(prefix)
	for i := range 5 * groups {
		if i%5 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(crockford[bits>>(59-5*i)&31])
	}
	return b.String()
}

// ReturnID is the number of the return that a command asks for: "RT-7K3M9-Q2X4T".
// A retry is the same return.
func ReturnID(id, command string) string { return Speakable("RT", "return\x00"+id+"\x00"+command, 2) }
