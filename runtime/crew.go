package runtime

import "github.com/talix-dev/talix/internal/project"

// shareViews has the views of several nodes know of one another.
func (r *Runtime) shareViews(cfg *project.Config) {
	if r.node != nil {
		cfg.Shared, cfg.Self, cfg.Sight = true, r.node.Name(), r.sight
	}
}

// sight is who lives and who owns what, as this node saw it last.
func (r *Runtime) sight() (s project.Sight) {
	members, owners := r.node.Members()
	for _, m := range members {
		s.Living = append(s.Living, m.Name)
	}
	for _, o := range owners {
		s.Owners = append(s.Owners, o.Node)
	}
	return s
}
