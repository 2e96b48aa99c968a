module foreign.test

go 1.26.0
