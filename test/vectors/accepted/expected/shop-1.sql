CREATE TABLE public.users (id integer, name text, note text);
CREATE TABLE public."Odd
""name" ("a
b" integer, "ü" text);
CREATE TABLE public.no_columns ();
CREATE TABLE public.no_rows (id integer);
CREATE TABLE public.orders (id integer, user_id integer, total numeric);
CREATE FUNCTION public.trap() RETURNS text LANGUAGE sql AS '
COPY public.users (id) FROM stdin;
1
\.
';
SET client_encoding = 'UTF8';
SET row_security = off;
COPY public.users (id, name, note) FROM stdin;
1	Renamed	\N
2	User 2	a\tb\\c
3	User 3	a\tb\\c
4	User 4	\N
5	User 5	a\tb\\c
6	User 6	a\tb\\c
7	User 7	\N
8	User 8	a\tb\\c
9	User 9	a\tb\\c
10	User 10	\N
11	User 11	a\tb\\c
12	User 12	a\tb\\c
13	User 13	\N
14	User 14	a\tb\\c
15	User 15	a\tb\\c
16	User 16	\N
17	User 17	a\tb\\c
18	User 18	a\tb\\c
19	User 19	\N
20	User 20	a\tb\\c
21	User 21	a\tb\\c
22	User 22	\N
23	User 23	a\tb\\c
24	User 24	a\tb\\c
25	User 25	\N
26	User 26	a\tb\\c
27	User 27	a\tb\\c
28	User 28	\N
29	User 29	a\tb\\c
30	User 30	a\tb\\c
31	User 31	\N
32	User 32	a\tb\\c
33	User 33	a\tb\\c
34	User 34	\N
35	User 35	a\tb\\c
36	User 36	a\tb\\c
37	User 37	\N
38	User 38	a\tb\\c
39	User 39	a\tb\\c
40	User 40	\N
\.
COPY public."Odd
""name" ("a
b", "ü") FROM stdin;
1	ä
2	\n
\.
COPY public.no_columns  FROM stdin;


\.
COPY public.no_rows (id) FROM stdin;
\.
SELECT pg_catalog.setval('public.users_id_seq', 41, true);
SET client_encoding = 'UTF8';
SET row_security = off;
COPY public.orders (id, user_id, total) FROM stdin;
1	1	0.50
2	2	919.50
3	3	838.50
4	4	757.50
5	5	676.50
6	6	595.50
7	7	514.50
8	8	433.50
9	9	352.50
10	10	271.50
11	11	190.50
12	12	109.50
13	13	28.50
14	14	947.50
15	15	866.50
16	16	785.50
17	17	704.50
18	18	623.50
19	19	542.50
20	20	461.50
21	21	380.50
22	22	299.50
23	23	218.50
24	24	137.50
25	25	56.50
\.
ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
