package cmd

import "testing"

func TestStrangeScript(t *testing.T) {
	const one, policy = "<p><script>a()</script>", "default-src 'none'; script-src 'sha256-qVpDBgj7bpq5hMAcGp3AOc79J3Y1Z4HvySTwKrWDoy4='"
	for name, c := range map[string]struct {
		page, policy string
		want         bool
	}{
		"none":                  {"<p>", "default-src 'none'", false},
		"the one that is named": {one, policy, false},
		"it twice":              {one + one, policy, false},
		"it in another policy":  {one, "default-src 'none'", true},
		"another":               {"<script>b()</script>", policy, true},
		"another behind it":     {one + "<script>b()</script>", policy, true},
		"from elsewhere":        {"<script src=x>a()</script>", policy, true},
		"without an end":        {"<script>a()", policy, true},
	} {
		if got := strangeScript(c.page, c.policy); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
