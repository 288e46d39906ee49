// Package why explains decisions to the people who have to act on them: which
// step refused a request, which statement did or nearly did, which variable had
// no value, and what would change the answer. It also replays kept decisions
// against a policy that is not saved yet.
//
// It owns the words, and the search for the smallest change. It does not own
// decisions: it asks package authz's Layers, the same that decided, and package
// policy what each statement said. A change that is proposed has been tried on
// them first.
//
// What it tells is for the operator, never for who was refused: it names
// policies and things that a caller may not know of.
package why
