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
1	User 1	\N
2	User 2	a\tb\\c
3	Renamed	a\tb\\c
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
41	User 41	a\tb\\c
42	User 42	a\tb\\c
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
26	26	975.50
27	27	894.50
28	28	813.50
29	29	732.50
30	30	651.50
31	31	570.50
32	32	489.50
33	33	408.50
34	34	327.50
35	35	246.50
36	36	165.50
37	37	84.50
38	38	3.50
39	39	922.50
40	40	841.50
41	1	760.50
42	2	679.50
43	3	598.50
44	4	517.50
45	5	436.50
46	6	355.50
47	7	274.50
48	8	193.50
49	9	112.50
50	10	31.50
51	11	950.50
52	12	869.50
53	13	788.50
54	14	707.50
55	15	626.50
56	16	545.50
57	17	464.50
58	18	383.50
59	19	302.50
60	20	221.50
61	21	140.50
62	22	59.50
63	23	978.50
64	24	897.50
65	25	816.50
66	26	735.50
67	27	654.50
68	28	573.50
69	29	492.50
70	30	411.50
71	31	330.50
72	32	249.50
73	33	168.50
74	34	87.50
75	35	6.50
\.
ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
