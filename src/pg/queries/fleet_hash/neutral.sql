-- The schema's own name in x.txt, as a whole word, becomes chr(1): first where it qualifies, which is cheap and mostly all.
CROSS JOIN LATERAL (SELECT CASE WHEN strpos(x.txt, n.nspname) = 0 THEN x.txt
     ELSE replace(replace(replace(replace(replace(replace(x.txt, ' ' || n.q || '.', ' ' || n.m), '(' || n.q || '.', '(' || n.m),
          '''' || n.q || '.', '''' || n.m), ':' || n.q || '.', ':' || n.m), '[' || n.q || '.', '[' || n.m), chr(2) || n.q || '.', chr(2) || n.m)
     END AS txt OFFSET 0) y
CROSS JOIN LATERAL (SELECT CASE WHEN strpos(y.txt, n.nspname) = 0 THEN y.txt
     ELSE regexp_replace(replace(y.txt, CASE WHEN n.q <> n.nspname THEN n.q ELSE chr(1) END, chr(1)),
          n.word, chr(1), 'g')
     END AS txt OFFSET 0) s
