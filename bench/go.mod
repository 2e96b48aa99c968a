module go.execx.dev/bench

go 1.26.0

require go.execx.dev v0.0.0

require golang.org/x/sys v0.49.0

replace go.execx.dev => ../
