package backend

import "context"

// whileNamed runs duties, and anew whenever the directory names this profile as the practice's agent or does so no more: all of
// the ones before have ended then.
func (p *Profile) whileNamed(ctx context.Context, duties func(context.Context)) error {
	changes, stop := p.Wake()
	defer stop()
	for {
		named := p.isAgent()
		within, end := context.WithCancel(ctx)
		duties(within)
		for ctx.Err() == nil && p.isAgent() == named {
			select {
			case <-ctx.Done():
			case _, open := <-changes:
				if !open {
					<-ctx.Done()
				}
			}
		}
		end()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.duty.Wait()
		p.log.Info("the practice names its agent anew", "this one", p.isAgent())
	}
}
