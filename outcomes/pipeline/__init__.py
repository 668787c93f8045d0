"""One delivery's walk: receive, interpret, record, rollup, score, judge, flag."""
