/** Twenty people in a PostgreSQL database, in every kind of column and of link, and what happens to it day by day. */

export const PEOPLE = 20;

export interface Name {
  readonly id: string;
  readonly mail: string;
  readonly name: string;
  readonly phone: string;
}

/**
 * What one of them is called. What tells them apart is not at the end, where an encoding such as base64 may cut it off.
 */
export function nameOf(person: number): Name {
  const two = String(person).padStart(2, '0');
  return {
    id: `73000${two}000011`,
    mail: `zoe.${two}.brien+x@canary.example`,
    name: `Zoë ${two} "Zo\\" O'Brien-Núñez`,
    phone: `+49 170 9${two}55 01234`,
  };
}

/** All that they are known by. */
export function personOf(person: number): readonly string[] {
  return Object.values(nameOf(person)) as string[];
}

/** Types of columns, and how a name ($1) gets into them. */
const PLACES: readonly (readonly [type: string, expression: string])[] = [
  ['text', '$1'],
  ['text', `E'first line\\n\\t' || $1 || E'\\r\\nlast'`],
  ['character varying(200)', 'upper($1)'],
  ['character(60)', 'lower($1)'],
  ['text', 'normalize($1, NFD)'],
  ['name', '$1'],
  ['jsonb', `jsonb_build_object('user', jsonb_build_object('name', $1))`],
  ['json', `json_build_array(1, $1)`],
  ['text', `to_jsonb(jsonb_build_object('body', $1)::text)::text`],
  ['text[]', `ARRAY['x', $1, NULL]`],
  ['jsonb[]', `ARRAY[to_jsonb($1)]`],
  ['person_type', `ROW($1, 1)::person_type`],
  ['person_type[]', `ARRAY[ROW($1, 1)::person_type]`],
  ['person_domain', '$1'],
  ['text', `'"name"=>"' || replace(replace($1, '\\', '\\\\'), '"', '\\"') || '"'`],
  ['bytea', `convert_to('name=' || $1, 'UTF8')`],
  ['bytea', `convert_to($1, 'LATIN1')`],
  ['bytea', `convert_to(jsonb_build_object('name', $1)::text, 'UTF8')`],
  ['text', `encode(convert_to($1, 'UTF8'), 'base64')`],
  ['text', `encode(convert_to('x' || $1, 'UTF8'), 'base64')`],
  ['text', `encode(convert_to($1, 'UTF8'), 'hex')`],
  ['xml', `xmlelement(name person, $1)`],
  ['text', `quote_literal($1)`],
  ['tsvector', 'array_to_tsvector(ARRAY[$1])'],
];

const ALL = Array.from({ length: PEOPLE }, (_, at) => at + 1);

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'::text`;
}

/** The schema, and everybody in it for the first time. */
export function makePeople(): string {
  const places = PLACES.map(([type], at) => `CREATE TABLE p${at} (id serial, person bigint, v ${type});`);
  return `
    SET client_min_messages = warning;
    CREATE TYPE person_type AS (name text, n integer);
    CREATE DOMAIN person_domain AS text CHECK (length(value) > 1);
    CREATE TABLE people (id bigint PRIMARY KEY, mail text NOT NULL UNIQUE, name text, phone text);
    ${places.join('\n')}
    CREATE TABLE orders (id serial PRIMARY KEY, person bigint NOT NULL REFERENCES people, note text);
    CREATE TABLE lines (order_id integer REFERENCES orders, n integer, note text, PRIMARY KEY (order_id, n));
    CREATE TABLE gifts (order_id integer, n integer, note text, FOREIGN KEY (order_id, n) REFERENCES lines);
    CREATE TABLE mails (address text, subject text);
    CREATE TABLE comments (id serial PRIMARY KEY, parent integer REFERENCES comments, owner_type text, owner_id bigint, body text);
    CREATE TABLE audit (id serial, what text, detail jsonb, words tsvector);
    CREATE TABLE invoices (id serial, what text, person bigint REFERENCES people, name text, total integer);
    CREATE TABLE transfers (id serial, what text, sender bigint REFERENCES people, taker bigint REFERENCES people, note text);
    CREATE TABLE events (at date, person bigint, body text) PARTITION BY RANGE (at);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-01-16');
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-01-16') TO ('2026-03-01');
    CREATE TABLE scans (id serial, person bigint, image oid);
    CREATE TABLE noise (id serial, body text);
    ${ALL.map((person) => {
      const { id, mail, name, phone } = nameOf(person);
      return `INSERT INTO people VALUES (${[id, text(mail), text(name), text(phone)].join(', ')});`;
    }).join('\n')}
    INSERT INTO noise (body) SELECT md5(n::text) || repeat('x', 400) FROM generate_series(1, 1500) n;
  `;
}

/** New rows of everybody. */
export function fillDay(day: number): string {
  const rows = ALL.flatMap((person) => {
    const { id, mail, name, phone } = nameOf(person);
    const other = nameOf((person % PEOPLE) + 1).id;
    const own = PLACES.map(
      ([, expression], at) =>
        `INSERT INTO p${at} (person, v) SELECT ${id}, ${expression.replaceAll('$1', text(name))};`,
    );
    const order = `currval('orders_id_seq')`;
    const comment = '(SELECT max(id) FROM comments)';
    return [
      // Who writes something new each day writes it into each place on some days only.
      ...own.filter((_, at) => (at + day + person) % 8 === 0 || day === 1),
      `INSERT INTO orders (person, note) VALUES (${id}, 'order of ${day} for ' || ${text(phone)});`,
      `INSERT INTO lines VALUES (${order}, 1, ${text(name)}), (${order}, 2, 'to ' || ${text(mail)});`,
      `INSERT INTO gifts VALUES (${order}, 2, upper(${text(name)}));`,
      `INSERT INTO mails VALUES (upper(' ' || ${text(mail)}), 'day ${day}'), (${text(mail)}, ${text(name)});`,
      `INSERT INTO comments (owner_type, owner_id, body) VALUES ('Person', ${id}, ${text(name)});`,
      `INSERT INTO comments (parent, owner_type, owner_id, body) VALUES (${comment}, 'Shop', ${id}, 're: ' || ${text(name)});`,
      `INSERT INTO audit (what, detail, words) VALUES ('stays ${person} ${day}', jsonb_build_object('who', jsonb_build_object('id', ${id}), 'name', ${text(name)}), array_to_tsvector(ARRAY[${text(mail)}]));`,
      `INSERT INTO scans (person, image) VALUES (${id}, lo_from_bytea(0, convert_to(${text(name)}, 'UTF8')));`,
      `INSERT INTO invoices (what, person, name, total) VALUES ('stays ${person} ${day}', ${id}, ${text(name)}, ${day});`,
      `INSERT INTO transfers (what, sender, taker, note) VALUES ('goes ${person} ${day}', ${id}, ${id}, ${text(name)}), ('stays ${person} ${day}', ${other}, ${id}, ${text(name)});`,
      `INSERT INTO events VALUES (DATE '2026-01-01' + ${day}, ${id}, ${text(name)});`,
    ];
  });
  return [
    'BEGIN;',
    ...rows,
    `INSERT INTO noise (body) SELECT md5(n::text || '${day}') || repeat('y', 300) FROM generate_series(1, 60) n;`,
    `UPDATE noise SET body = body || 'z' WHERE id = ${day} * 40;`,
    'COMMIT;',
  ].join('\n');
}

/** What the live database does when somebody leaves. */
export function eraseDay(person: number): string {
  const { id, mail } = nameOf(person);
  return `
    BEGIN;
    ${PLACES.map((_, at) => `DELETE FROM p${at} WHERE person = ${id};`).join('\n')}
    DELETE FROM gifts WHERE order_id IN (SELECT id FROM orders WHERE person = ${id});
    DELETE FROM lines WHERE order_id IN (SELECT id FROM orders WHERE person = ${id});
    DELETE FROM orders WHERE person = ${id};
    DELETE FROM mails WHERE lower(trim(address)) = '${mail}';
    DELETE FROM comments WHERE owner_id = ${id};
    UPDATE audit SET detail = NULL, words = NULL WHERE detail->'who'->>'id' = '${id}';
    UPDATE invoices SET person = NULL, name = NULL WHERE person = ${id};
    DELETE FROM transfers WHERE sender = ${id};
    UPDATE transfers SET taker = NULL, note = NULL WHERE taker = ${id};
    DELETE FROM events WHERE person = ${id};
    SELECT lo_unlink(image) FROM scans WHERE person = ${id}; DELETE FROM scans WHERE person = ${id};
    DELETE FROM people WHERE id = ${id};
    COMMIT;`;
}

/** Who they are in it. */
export function mapText(): string {
  const own = PLACES.map((_, at) => `  public.p${at}: { link: { person: public.people.id }, erase: delete }`);
  return `version: 1
subject: person
root: { table: public.people, key: id, lookup: { mail: lower } }
tables:
  public.people: { erase: delete }
${own.join('\n')}
  public.orders: { link: { person: public.people.id }, erase: delete }
  public.lines: { link: { order_id: public.orders.id }, erase: delete }
  public.gifts: { link: { order_id: public.lines.order_id, n: public.lines.n }, erase: delete }
  public.mails: { link: { address: public.people.mail, canonical: lower }, erase: delete }
  public.comments:
    links:
      - { link: { owner_id: public.people.id, when: { owner_type: Person } } }
      - { link: { parent: public.comments.id } }
    erase: delete
  public.audit: { json: { detail: $.who.id }, erase: { set: { detail: null, words: null } } }
  public.invoices: { link: { person: public.people.id }, keep: { because: tax law, until: 7y, set: { person: null, name: { pseudonym: true } } } }
  public.transfers:
    links:
      - { link: { sender: public.people.id }, erase: delete }
      - { link: { taker: public.people.id }, erase: { set: { taker: null, note: null } } }
  public.events: { link: { person: public.people.id }, erase: delete }
  public.scans: { link: { person: public.people.id }, large_objects: [image], erase: delete }
  public.noise: { no_personal_data: true }
`;
}
