/**
 * Words of this program's own messages that say nothing about anybody: what a support bundle may repeat. Every other word may be
 * the name of a person, a table or a host. A word that stands for a thing of somebody's (shop, user, order) does not belong here.
 */
const TEXT = `
a about above absolute accept accepted access active add address aes after again agree agrees all allow
allowed alone already also altered amendment an and another answered answers any apart application
approval are as ask asked asks at attributes authority away aws back backed backup backups be because
before began begins behind below beside between binary bits both broke broken bucket byte bytes cached
came can cancelled cannot certificate chain change changed changes check checked checks class clear clock
closed code collation column columns come comes command commands compared complete compressed compression
condition configuration configured confirm connect connection connections control copied copies copy
correct could count counts create created cron current cut damaged data database databases date days dead
decrypt decrypted default delay delete deleted demand denied depends destroyed did died differs directory
disabled disappeared disk dns do doctor does done drill drop dropped dry dump dumped dumps each earlier
ed25519 edited else emptied empty enabled encoding encrypt encrypted encrypts end ended endpoint ends
enough entry environment erase erased error errors even ever every exist exists exit expected expire
expired expires export extension extensions fact facts failed fails far features file files find finish
finished first fit folder folders for foreign forged format found free fresh from full function functions
get gets give given gives global globals goes gone good got gpg granted grants had half has have header
headers held here hidden hint holdfast hole hooks host hosts hour hours how http https if ignored in
incomplete index info information inside installed instead integrity interrupted into invalid is it its
itself job jobs json keep kept kernel key keys knows kubernetes lacks large larger last late latest lease
least leave ledger left length less level library lies life lifecycle limit line lines link links list
listed load loaded loading loads locale lock locked locks log longer look looked loopback lost lower
machine made make makes malformed manifest manifests many map mariadb match maximum may mean meanwhile
memory mend message metadata minimum minute minutes missing mode more most mount moved much must mysql
needed needs network never new newer newest next no nobody node none not note nothing now number object
objects odd of off ok old older oldest on once one only open opened opening openpgp opens operator options
or other others otherwise out output outside over overdue overwrite own owner owners pack package packs
page pages part partition parts passphrase password past path pattern paused permission permissions pgp
pipe place plain plan policies policy pool port postgres postgresql prefix prepared private privilege
problem problems process processes program programs promise promised properly protected public purge
purged put quota raised random range reach reachable reached read readable reads ready reason receipt
recipient recipients record recorded recover recovery redirects redis refused refuses region regular
rejected relative release remove removed removes replaced replication report request required resolved
restarted restore restored restores result resume retention returned revision revoked right rights role
rolled rotate row rows rsa rule rules run running runs s3 said same says schema scratch seal sealed second
seconds secret security seen segment segments send sequence serve server servers service session set sets
setting settings several sha shared short shows sign signature signatures signed signer signing since size
skipped slow snapshot snapshots so some something soon source space sql sqlite stale standby start started
starts state statement statements status stay stays still stopped storage store stored stores stream
streaming strong subject subjects succeeded such sufficient superuser supported suppression sure suspended
switched synced system systemd table tables take taken takes target tcp temporary terminal text than that
the their them then there these they this those through time timed times tls to today token tokens too
took tool tools transaction tried truncated trust trusted turned twice two type unable unchanged
understood unexpected unfit unix unknown unless unreachable unsupported until up update use used useful
uses using utc valid value values variable verified verify version versioned versioning versions very wait
waited waits want wanted warning was weak well were what when where whether which while who whole whose
will with within without work worked working would writable write writer writes writing written wrong yaml
yet zero zstd
`;

/** In lower case. */
export const PLAIN_WORDS: ReadonlySet<string> = new Set(TEXT.trim().split(/\s+/));
