package catalog

import (
	"strings"
	"testing"
)

func TestPlainText(t *testing.T) {
	for _, test := range []struct{ name, markup, want string }{
		{"none", "  Just \t words.\r\n\r\nTwo lines. ", "Just words.\nTwo lines."},
		{"inline tags join", "un<b>break</b>able", "unbreakable"},
		{"blocks part", "<p>One.</p><P class='x'>Two.<br/>Three.</P>", "One.\nTwo.\nThree."},
		{"list", "<ul>\n <li>one</li>\n <li> two </li><li></li></ul>", "- one\n- two"},
		{"table", "<table><tr><th>Size</th><td>40 cm</td></tr></table>", "Size 40 cm"},
		{"entities", "5 &lt; 6 &amp;&nbsp;7 &#8364; &eacute;", "5 < 6 & 7 € é"},
		{"entities make no tags", "&lt;b&gt;bold&lt;/b&gt;", "<b>bold</b>"},
		{"less than", "5 < 6 and <3", "5 < 6 and <3"},
		{"script and style", "a<script>if (x</y/) {}</script >b<style>p>a{}</STYLE>c", "abc"},
		{"script without end", "a<script>alert(1)", "a"},
		{"comment", "a<!-- <p>no</p> -->b", "ab"},
		{"comment without end", "a<!-- b", "a"},
		{"greater than in a quote", `a<img alt="x > y">b`, "ab"},
		{"quote without end", `a<img alt="x>b`, "ab"},
		{"tag without end", "a<img", "a"},
		{"doctype", "<!DOCTYPE html><html><body>a</body></html>", "a"},
		{"hidden characters", "a\u202e\x00\U000e0041b", "ab"},
		{"apostrophe in prose", "<p>the cat's bed</p><p>the dog's bed</p>", "the cat's bed\nthe dog's bed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := plainText(test.markup); got != test.want {
				t.Errorf("%q became %q, want %q", test.markup, got, test.want)
			}
		})
	}
}

func FuzzPlainText(f *testing.F) {
	f.Add("<p>One <b>two</b></p><script>x</script><!-- y --><img alt='>")
	f.Fuzz(func(t *testing.T, markup string) {
		text := plainText(markup)
		if !plain(text, true) && plain(strings.ToValidUTF8(markup, ""), true) && strings.ToValidUTF8(markup, "") == markup {
			t.Errorf("%q became %q, which a description may not hold", markup, text)
		}
	})
}
