-- Session-local helpers (pg_temp, so that they are in no dump). One argument, used once: PostgreSQL inlines
-- them, and a volatile argument such as random() is evaluated once per call.
-- The square makes some words common and others rare, as in a real text.
CREATE FUNCTION pg_temp.word(r float8) RETURNS text LANGUAGE sql AS $$
  SELECT ('{the,and,it,is,to,a,of,for,in,was,this,with,very,but,not,as,on,my,we,have,you,are,so,at,be,that,they,from,good,
  well,quality,after,bought,ordered,one,arrived,would,great,day,price,size,colour,again,recommend,box,delivery,product,
  material,works,easy,small,large,light,heavy,because,before,kitchen,garden,office,children,present,birthday,winter,summer,
  battery,cable,handle,screw,broken,returned,refund,support,answered,quickly,slowly,packaging,cardboard,plastic,wooden,
  leather,cotton,soft,hard,bright,dark,green,blue,red,yellow,black,white,silver,golden,smells,looks,feels,sounds,fits,
  instructions,manual,missing,parts,complete,surprised,disappointed,happy,neighbour,sister,husband,grandmother,weekend,
  Monday,Thursday,yesterday,immediately,eventually,although,unfortunately,fortunately,expensive,cheap,bargain,durable,
  fragile,waterproof,comfortable,noise,quiet,machine,washing,cleaning,coffee,tea,bottle,glass,lamp,chair,table,shelf,
  drawer,blanket,pillow,jacket,shoes,gloves,umbrella,bicycle,helmet,tent,camping,mountain,river,journey,luggage,zip,pocket,
  charger,display,software,update,phone,camera,picture,sharp,blurred,warranty,receipt,invoice,discount,voucher,customer}'::text[])
  [1 + floor(r * r * 171)::int]
$$;
CREATE FUNCTION pg_temp.given(r float8) RETURNS text LANGUAGE sql AS $$
  SELECT ('{Anna,Ben,Chloé,David,Emma,Farid,Grace,Hugo,Ines,Jakub,Katarína,Liam,Mia,Noah,Olivia,Paul,Quentin,Rosa,Søren,
  Tara,Umar,Vera,Wei,Ximena,Yusuf,Zoë,Amélie,Bruno,Carmen,Dmitri,Elif,Fatima,Gustav,Hannah,Ivan,Julia,Kofi,Lucía,Marek,
  Nina,Oskar,Priya,Rafael,Sofia,Tomás,Ursula,Viktor,Wanda,Yara,Zahra}'::text[])[1 + floor(r * 50)::int]
$$;
CREATE FUNCTION pg_temp.family(r float8) RETURNS text LANGUAGE sql AS $$
  SELECT ('{Smith,Garcia,Müller,Rossi,Novak,Dubois,Jansen,Kowalski,Silva,Andersson,Horváth,Ivanova,Popescu,Nielsen,Murphy,
  Tremblay,Nguyen,Khan,Patel,Kim,Tanaka,Chen,Okafor,Haddad,Yılmaz,Papadopoulos,Fernández,Schneider,Moreau,Bianchi,Costa,
  Virtanen,Hansen,Wilson,Brown,Taylor,Martin,Roy,Gagnon,Singh,Ali,Cohen,Levi,Santos,Almeida,Weber,Fischer,Lefebvre,Bakker,
  Lindqvist}'::text[])[1 + floor(r * 50)::int]
$$;
CREATE FUNCTION pg_temp.city(r float8) RETURNS text LANGUAGE sql AS $$
  SELECT ('{Toronto,Montréal,Vancouver,Berlin,Hamburg,München,Paris,Lyon,Marseille,Madrid,Sevilla,Roma,Milano,Praha,Brno,
  Bratislava,Wien,Graz,Zürich,Genève,Amsterdam,Utrecht,Bruxelles,Gent,København,Oslo,Stockholm,Helsinki,Warszawa,Kraków,
  London,Leeds,Dublin,Lisboa,Porto,Athína,București,Sofia,Budapest,Zagreb}'::text[])[1 + floor(r * 40)::int]
$$;
CREATE FUNCTION pg_temp.country(r float8) RETURNS text LANGUAGE sql AS $$
  SELECT ('{CA,DE,FR,ES,IT,CZ,SK,AT,CH,NL,BE,DK,NO,SE,FI,PL,GB,IE,PT,GR,RO,BG,HU,HR}'::text[])[1 + floor(r * r * 24)::int]
$$;
CREATE FUNCTION pg_temp.kind(r float8) RETURNS text LANGUAGE sql AS $$
  SELECT ('{page.viewed,product.viewed,search.performed,cart.item_added,cart.item_removed,checkout.started,
  payment.succeeded,payment.failed,session.started,newsletter.opened}'::text[])[1 + floor(r * r * 10)::int]
$$;
CREATE FUNCTION pg_temp.agent(r float8) RETURNS text LANGUAGE sql AS $$
  SELECT ('{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/139.0","Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) Safari/604.1",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1","Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Firefox/141.0",
  "Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/139.0 Mobile","ShopApp/7.12 (iOS 18.5)","ShopApp/7.12 (Android 15)"}'::text[])
  [1 + floor(r * 7)::int]
$$;
-- n words. With its aggregate it is not inlined, and so it makes a new text for every row.
CREATE FUNCTION pg_temp.words(n int) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT string_agg(pg_temp.word(random()), ' ') FROM generate_series(1, n)
$$;
