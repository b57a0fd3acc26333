package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// doubleClick is two quick clicks with the mouse, as the system reports them:
// the second one counts as the second.
func (p *tab) doubleClick(id string) {
	p.t.Helper()
	p.until("!$(" + quoted(id) + ").disabled")
	p.do(chromedp.Click(chromedp.CSS("#"+id)), chromedp.DoubleClick(chromedp.CSS("#"+id)))
}

// charged wants so many charges, all payments sent under so many keys.
func (s *pageServer) charged(charges, keys int) {
	s.t.Helper()
	if made := s.api.payments.List(); len(made) != charges {
		s.t.Errorf("charged %d times: %v; want %d", len(made), made, charges)
	}
	used := map[string]bool{}
	for _, r := range s.requests("POST") {
		used[r.key] = true
	}
	if len(used) != keys || used[""] {
		s.t.Errorf("sent under the keys %v; want %d", used, keys)
	}
}

func aDoubleClickChargesOnce(t *testing.T, b browser) {
	t.Run("at a bank that is slow", func(t *testing.T) {
		s := newPageServer(t)
		ann := open(t, b, s.base, "ann")
		ann.click("slow") // no: the test says when the bank is done
		release := s.holdPayments()
		ann.doubleClick("pay")
		ann.says("pay-says", "The first one still runs. Asking again in 1 s")
		release()
		ann.says("pay-says", "charged once: charge 1.")
		ann.until(`$("log").innerText.includes("201 replayed")`)
		s.charged(1, 1)
		ann.says("total", "1 charge in all")
		ann.says("charges", "Charge 1, this order\nEUR 12.50")
		if log := ann.text("log"); !strings.Contains(log, "409") {
			t.Errorf("the log does not show that it waited:\n%s", log)
		}
	})
	t.Run("at a bank that is quick", func(t *testing.T) {
		s := newPageServer(t)
		ann := open(t, b, s.base, "ann")
		ann.click("slow")
		ann.doubleClick("pay")
		ann.says("pay-says", "Sent 2 times, charged once: charge 1.")
		ann.click("pay") // and much later once more
		ann.says("pay-says", "Sent 3 times, charged once: charge 1.")
		s.charged(1, 1)
	})
}

func aLostAnswerIsAskedForWithTheSameKey(t *testing.T, b browser) {
	for _, c := range []struct {
		name  string
		early bool
	}{{"half of it", false}, {"all of it", true}} {
		t.Run(c.name, func(t *testing.T) {
			s := newPageServer(t)
			ann := open(t, b, s.base, "ann")
			ann.click("slow")
			s.lose("POST", c.early)
			ann.click("pay")
			if c.early { // the browser may have sent it again, or left that to the page
				ann.says("pay-says", "charged once: charge 1.")
			} else {
				ann.says("pay-says", "Sent 2 times, charged once: charge 1.")
				ann.says("log", "no answer")
			}
			s.charged(1, 1)
			if sent := s.requests("POST"); len(sent) != 2 || !sent[1].replayed {
				t.Errorf("sent %v; want the payment, and the first answer again", sent)
			}
		})
	}
}

// The page's own switches: the bank takes its two seconds, and the page hangs up.
func thePageLosesAnAnswerByItself(t *testing.T, b browser) {
	s := newPageServer(t)
	ann := open(t, b, s.base, "ann")
	ann.click("lose")
	ann.click("pay")
	ann.says("pay-says", "charged once: charge 1.")
	s.charged(1, 1)
}

func aKeyIsThatOfAnOrder(t *testing.T, b browser) {
	s := newPageServer(t)
	ann, bob := open(t, b, s.base, "ann"), open(t, b, s.base, "bob")
	ann.click("slow")
	ann.click("pay")
	ann.says("pay-says", "charge 1.")
	key := ann.text("key")

	ann.do(chromedp.Reload()) // the order survives
	ann.says("pay-says", "charge 1.")
	ann.until(`!$("pay").disabled`)
	if again := ann.text("key"); again != key {
		t.Errorf("the key is %s after a reload, and was %s", again, key)
	}
	ann.click("pay")
	ann.says("pay-says", "Sent 2 times, charged once: charge 1.")
	s.charged(1, 1)

	ann.click("another")
	ann.click("slow")
	ann.click("pay")
	ann.says("pay-says", "Sent once, charged once: charge 2.")
	s.charged(2, 2)

	bob.click("slow")
	bob.click("pay")
	bob.says("pay-says", "charge 3.")
	s.charged(3, 3)
}
