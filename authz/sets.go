package authz

import (
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/maypok86/otter/v2"

	"github.com/thingpass/thingpass"
	"github.com/thingpass/thingpass/policy"
)

// setBytes bounds the policy texts whose compiled form is kept. The compiled form
// is about ten times as large as its text.
const setBytes = 16 << 20

// overhead is what an entry of the cache weighs besides its texts, in bytes.
const overhead = 512

// sets keeps compiled sets of policies. An entry is found by whose policies they
// are, or by a hash of their texts where many share them, and used only if the
// texts are the same, so that a change counts as soon as it has been read, and
// nothing has to be dropped.
type sets struct {
	seed  maphash.Seed
	cache *otter.Cache[setKey, *compiled]
}

// setKey says where a set is kept. It need not be unique: see sets.
type setKey struct {
	purpose purpose
	owner   string // unique id, ARN or bucket; "" for a hash
	hash    uint64
}

// purpose keeps the several sets of one owner apart.
type purpose uint8

const (
	forIdentity purpose = iota + 1
	forBoundary
	forSession
	forResource
	forTrust
	forDevice
	forMentions // not a set: the keys that policies mention
)

// compiled is an entry. It never changes.
type compiled struct {
	texts []text
	set   *policy.Set
	keys  []string // forMentions only: see DeviceKeyNames
	err   error    // a policy that does not compile: every decision by it is this error
}

// text is a policy document with what it is called in reasons.
type text struct {
	kind     policy.Kind
	name     string
	group    string // the thing group it comes through, if any
	document string
}

// bundle is policies that are asked as one set, as they come from the store. To
// look a set up, none of them is copied.
type bundle struct {
	kind    policy.Kind // of single and inline
	single  thingpass.InlinePolicy
	inline  []thingpass.InlinePolicy
	managed []thingpass.ManagedDocument

	device      []string // documents of IoT policies
	deviceNames []string
	groups      []thingpass.GroupPolicy
}

func (b *bundle) len() int {
	n := len(b.inline) + len(b.managed) + len(b.device) + len(b.groups)
	if b.single.Document != "" {
		n++
	}
	return n
}

// at returns the i-th text.
func (b *bundle) at(i int) text {
	if b.single.Document != "" {
		if i == 0 {
			return text{kind: b.kind, name: b.single.Name, document: b.single.Document}
		}
		i--
	}
	if i < len(b.inline) {
		return text{kind: b.kind, name: b.inline[i].Name, document: b.inline[i].Document}
	}
	if i -= len(b.inline); i < len(b.managed) {
		return text{kind: policy.Identity, name: b.managed[i].ARN, document: b.managed[i].Document}
	}
	if i -= len(b.managed); i < len(b.device) {
		return text{kind: policy.IoT, name: b.deviceNames[i], document: b.device[i]}
	}
	g := &b.groups[i-len(b.device)]
	return text{kind: policy.IoT, name: g.Name, group: g.Group, document: g.Document}
}

// is tells whether texts are those of the bundle. Comparing is quick: mostly,
// both sides are the same memory.
func (b *bundle) is(texts []text) bool {
	if len(texts) != b.len() {
		return false
	}
	for i := range texts {
		if texts[i] != b.at(i) {
			return false
		}
	}
	return true
}

// newSets returns an empty cache for so many bytes of policy text.
func newSets(bytes uint64) *sets {
	return &sets{
		seed: maphash.MakeSeed(),
		cache: otter.Must(&otter.Options[setKey, *compiled]{
			MaximumWeight: bytes,
			Weigher:       func(_ setKey, c *compiled) uint32 { return c.weight() },
		}),
	}
}

// weight is what an entry costs, in bytes of text.
func (c *compiled) weight() uint32 {
	n := overhead
	for i := range c.texts {
		n += len(c.texts[i].name) + len(c.texts[i].document)
	}
	for _, k := range c.keys {
		n += len(k)
	}
	return uint32(min(n, setBytes))
}

// shared is the key of a bundle that many may have: its contents.
func (s *sets) shared(p purpose, b *bundle) setKey {
	var h maphash.Hash
	h.SetSeed(s.seed)
	for i := range b.len() {
		t := b.at(i)
		_, _ = h.WriteString(t.name)
		_ = h.WriteByte(0)
		_, _ = h.WriteString(t.document)
		_ = h.WriteByte(0)
	}
	return setKey{purpose: p, hash: h.Sum64()}
}

// get returns what is compiled of a bundle. It does not allocate when that is
// kept already.
func (s *sets) get(key setKey, b *bundle) (*compiled, error) {
	if c, ok := s.cache.GetIfPresent(key); ok && b.is(c.texts) {
		return c, c.err
	}
	texts := make([]text, b.len())
	for i := range texts {
		texts[i] = b.at(i)
	}
	c := s.compile(key, texts)
	return c, c.err
}

// compile compiles and keeps texts, once for all who wait for them.
func (s *sets) compile(key setKey, texts []text) *compiled {
	var c *compiled
	s.cache.Compute(key, func(old *compiled, found bool) (*compiled, otter.ComputeOp) {
		if found && slices.Equal(old.texts, texts) {
			c = old
			return nil, otter.CancelOp
		}
		c = newCompiled(key.purpose, texts)
		return c, otter.WriteOp
	})
	return c
}

func newCompiled(p purpose, texts []text) *compiled {
	c := &compiled{texts: texts}
	named := make([]policy.Named, len(texts))
	for i, t := range texts {
		compiled, err := policy.Parse(t.kind, t.document)
		if err != nil {
			c.err = fmt.Errorf("stored policy %s: %w", t.title(), err)
			return c
		}
		named[i] = policy.Named{Name: t.title(), Policy: compiled}
	}
	set := policy.NewSet(named...)
	if p == forMentions {
		c.keys = deviceKeyNames(set)
		return c
	}
	c.set = set
	return c
}

// title is what reasons call the policy.
func (t *text) title() string {
	if t.group == "" {
		return t.name
	}
	return t.name + " (thing group " + t.group + ")"
}
