import com.acme.Shop;
import com.tangosol.io.Serializer;
import com.tangosol.io.pof.PofReader;
import com.tangosol.io.pof.PofWriter;
import com.tangosol.io.pof.PortableObject;
import com.tangosol.net.BackingMapManagerContext;
import com.tangosol.net.CacheFactory;
import com.tangosol.net.CacheService;
import com.tangosol.net.Coherence;
import com.tangosol.net.NamedCache;
import com.tangosol.net.PartitionedService;
import com.tangosol.net.cache.CacheEvent;
import com.tangosol.net.cache.ConfigurableCacheMap;
import com.tangosol.net.cache.NearCache;
import com.tangosol.net.partition.PartitionSet;
import com.tangosol.util.Base;
import com.tangosol.util.Binary;
import com.tangosol.util.ExternalizableHelper;
import com.tangosol.util.Filter;
import com.tangosol.util.InvocableMap;
import com.tangosol.util.MapEvent;
import com.tangosol.util.MultiplexingMapListener;
import com.tangosol.util.NullImplementation;
import com.tangosol.util.ValueExtractor;
import com.tangosol.util.extractor.PofExtractor;
import com.tangosol.util.extractor.ReflectionExtractor;
import com.tangosol.util.filter.AlwaysFilter;
import com.tangosol.util.filter.EqualsFilter;
import com.tangosol.util.filter.PartitionedFilter;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.Serializable;
import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A storage member, started by Coherence's own main class, and beside it the independent reader and writer of the grid:
 * it uses nothing but the plain Coherence API, so what it says about a map is what a Java application would see.
 * It lives in the member's own process because a service whose serializer is JSON dies when a second member joins
 * (25.03.2: JsonBindingException in MemberWelcome).
 *
 * It reads one command per line from standard input and answers each with one line of JSON on standard output:
 * {@code {"ok":…}} or {@code {"error":"…"}}. Fields are separated by a tab; inside a field the backslash escapes
 * {@code \t}, {@code \n}, {@code \r} and {@code \\} stand for themselves.
 *
 * <pre>
 * size MAP                          number of entries
 * get MAP TYPE KEY                  {"class":…,"text":…} of the value, or null
 * put MAP TYPE KEY TYPE VALUE       null
 * remove MAP TYPE KEY               like get, of what was there
 * stored MAP TYPE KEY               the stored bytes of the value in hex, decorations and all, or null
 * internal MAP TYPE KEY             the key as the grid stores it, its decoration and all, in hex
 * store MAP TYPE KEY HEX            puts exactly these bytes as the stored value
 * dump MAP FILE                     writes "key TAB value" lines in no order, and answers their number
 * digest MAP                        {"count":…,"digest":…}, see digest()
 * clear MAP | truncate MAP          null
 * bytes TYPE VALUE                  the value as the grid's serializer writes it, in hex
 * object HEX                        {"class":…,"text":…} of what the grid's serializer reads from these bytes
 * expire MAP TYPE KEY TYPE VALUE MS puts an entry that leaves by itself after so many milliseconds; null
 * expiry MAP TYPE KEY               the milliseconds that an entry has left, 0 if it stays, or null if there is none
 * index MAP WHAT                    adds an index of a method, or of the property #N of POF; null
 * query MAP WHAT TYPE VALUE         number of entries where that equals the value
 * listen MAP                        remembers what happens to the map from now on; null
 * churn MAP SEED OPERATIONS KEYS    so many random puts and removes of the texts k0 … as an application would make them, one by
 *                                   one and in batches; every value is "SEED." and a number that grows; null
 * agent NAME                        the object of this name in Agents, as the grid's serializer writes it, in hex
 * select MAP NAME                   the keys of the entries for which this filter is true, as text in their order
 * aggregate MAP NAME [FILTER]       the result of this aggregator, see plain()
 * invoke MAP NAME [FILTER]          the results of this processor on all entries, or on those of the filter, by key
 * events MAP                        [{"kind":…,"key":…,"old":…,"new":…,"synthetic":…,"expired":…}] since the last time
 * </pre>
 */
public final class GridTool {
    private static final HexFormat HEX = HexFormat.of();
    private static final int PARTITIONS_PER_FETCH = 16;

    public static void main(String[] args) throws IOException {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // whatever prints by itself must not look like an answer
        startMember(args);
        answers.println("{\"ok\":\"ready\"}");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = commands.readLine()) != null; ) {
            String answer;
            try {
                answer = "{\"ok\":" + run(line.split("\t", -1)) + "}";
            } catch (Throwable e) {
                answer = "{\"error\":" + quoted(e.toString()) + "}";
            }
            answers.println(answer);
        }
    }

    private static void startMember(String[] args) {
        Thread member = new Thread(() -> {
            try {
                Coherence.main(args);
            } catch (Throwable e) {
                e.printStackTrace();
                System.exit(1);
            }
        }, "main");
        member.start();
        Coherence instance;
        while ((instance = Coherence.getInstance()) == null) {
            Thread.onSpinWait();
        }
        instance.whenStarted().join();
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static String run(String[] fields) throws IOException {
        String[] f = new String[fields.length];
        for (int i = 0; i < f.length; i++) {
            f[i] = unescaped(fields[i]);
        }
        switch (f[0]) {
            case "size":
                return String.valueOf(map(f[1]).size());
            case "get":
                return described(map(f[1]).get(value(f[2], f[3])));
            case "put":
                map(f[1]).putAll(Collections.singletonMap(value(f[2], f[3]), value(f[4], f[5])));
                return "null";
            case "remove":
                return described(map(f[1]).remove(value(f[2], f[3])));
            case "stored": {
                Binary stored = (Binary) binaries(f[1]).get(storedKey(f[1], value(f[2], f[3])));
                return stored == null ? "null" : quoted(HEX.formatHex(stored.toByteArray()));
            }
            case "internal": {
                Binary internal = (Binary) storedKey(f[1], value(f[2], f[3]));
                return quoted(HEX.formatHex(internal.toByteArray()));
            }
            case "store":
                binaries(f[1]).put(storedKey(f[1], value(f[2], f[3])), new Binary(HEX.parseHex(f[4])));
                return "null";
            case "dump":
                return String.valueOf(dump(f[1], Path.of(f[2])));
            case "digest":
                return digest(f[1]);
            case "clear":
                map(f[1]).clear();
                return "null";
            case "truncate":
                map(f[1]).truncate();
                return "null";
            case "bytes":
                return quoted(HEX.formatHex(ExternalizableHelper.toBinary(value(f[1], f[2]), serializer()).toByteArray()));
            case "object":
                return described(ExternalizableHelper.fromBinary(new Binary(HEX.parseHex(f[1])), serializer()));
            case "expire":
                map(f[1]).put(value(f[2], f[3]), value(f[4], f[5]), Long.parseLong(f[6]));
                return "null";
            case "expiry":
                return expiry(f[1], value(f[2], f[3]));
            case "index":
                map(f[1]).addIndex(extractor(f[2]), true, null);
                return "null";
            case "query":
                return String.valueOf(map(f[1]).keySet(new EqualsFilter<>(extractor(f[2]), value(f[3], f[4]))).size());
            case "agent":
                return quoted(HEX.formatHex(ExternalizableHelper.toBinary(Agents.named(f[1]), serializer()).toByteArray()));
            case "select":
                return plain(map(f[1]).keySet((Filter<?>) Agents.named(f[2])));
            case "aggregate":
                return plain(map(f[1]).aggregate(chosen(f), (InvocableMap.EntryAggregator<Object, Object, ?>) Agents.named(f[2])));
            case "invoke":
                return plain(map(f[1]).invokeAll(chosen(f), (InvocableMap.EntryProcessor<Object, Object, ?>) Agents.named(f[2])));
            case "listen":
                LISTENERS.computeIfAbsent(f[1], name -> {
                    Recorder recorder = new Recorder();
                    map(name).addMapListener(recorder);
                    return recorder;
                });
                return "null";
            case "churn":
                churn(map(f[1]), Long.parseLong(f[2]), Integer.parseInt(f[3]), Integer.parseInt(f[4]));
                return "null";
            case "guard":
                GuardedStore.down = Boolean.parseBoolean(f[1]);
                GuardedStore.millis = Long.parseLong(f[2]);
                return "null";
            case "written":
                return String.valueOf(GuardedStore.WRITTEN.get());
            case "events":
                return LISTENERS.get(f[1]).taken();
            default:
                throw new IllegalArgumentException("unknown command " + f[0]);
        }
    }

    private static Filter<?> chosen(String[] f) {
        return f.length > 3 ? (Filter<?>) Agents.named(f[3]) : AlwaysFilter.INSTANCE();
    }

    /**
     * The result of a query in JSON: numbers as numbers, lists and arrays in their order, sets and other collections sorted,
     * maps as objects by the text of their keys, everything else as its text.
     */
    private static String plain(Object value) {
        if (value == null || value instanceof Boolean || value instanceof Number) {
            return String.valueOf(value);
        }
        if (value instanceof Object[] array) {
            return "[" + Stream.of(array).map(GridTool::plain).collect(Collectors.joining(",")) + "]";
        }
        if (value instanceof List<?> list) {
            return "[" + list.stream().map(GridTool::plain).collect(Collectors.joining(",")) + "]";
        }
        if (value instanceof Collection<?> set) {
            return "[" + set.stream().map(GridTool::plain).sorted().collect(Collectors.joining(",")) + "]";
        }
        if (value instanceof Map<?, ?> map) {
            return "{" + map.entrySet().stream()
                    .map(entry -> quoted(text(entry.getKey())) + ":" + plain(entry.getValue()))
                    .sorted().collect(Collectors.joining(",")) + "}";
        }
        return quoted(value.toString());
    }

    private static ValueExtractor<Object, Object> extractor(String what) {
        return what.startsWith("#")
                ? new PofExtractor<>(null, Integer.parseInt(what.substring(1)))
                : new ReflectionExtractor<>(what);
    }

    private static void churn(NamedCache<Object, Object> map, long seed, int operations, int keys) {
        Random random = new Random(seed);
        for (int done = 0; done < operations; ) {
            int kind = random.nextInt(10);
            if (kind < 4) {
                map.put("k" + random.nextInt(keys), seed + "." + done++);
            } else if (kind < 7) {
                map.remove("k" + random.nextInt(keys));
                done++;
            } else {
                Map<String, String> batch = new LinkedHashMap<>();
                for (int n = random.nextInt(100); n >= 0 && done < operations; n--) {
                    batch.put("k" + random.nextInt(keys), seed + "." + done++);
                }
                if (kind < 9) {
                    map.putAll(batch);
                } else {
                    map.keySet().removeAll(batch.keySet());
                }
            }
        }
    }

    /**
     * The map itself. By default a member reads through a near cache, which keeps what others have removed where a key does
     * not come back equal: a LocalDate from POF is a java.sql.Date.
     */
    private static NamedCache<Object, Object> map(String name) {
        NamedCache<Object, Object> map = CacheFactory.getCache(name);
        return map instanceof NearCache<Object, Object> near ? near.getBackCache() : map;
    }

    /** The map without conversion: its keys and values are the stored Binary objects. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    private static NamedCache<Object, Object> binaries(String name) {
        return (NamedCache) CacheFactory.getCache(name, NullImplementation.getClassLoader());
    }

    @SuppressWarnings("unchecked")
    private static Object storedKey(String map, Object key) {
        BackingMapManagerContext context = map(map).getCacheService().getBackingMapManager().getContext();
        return context.getKeyToInternalConverter().convert(key);
    }

    private static String expiry(String map, Object key) {
        BackingMapManagerContext context = map(map).getCacheService().getBackingMapManager().getContext();
        ConfigurableCacheMap entries = (ConfigurableCacheMap) context.getBackingMapContext(map).getBackingMap();
        ConfigurableCacheMap.Entry entry = entries.getCacheEntry(storedKey(map, key));
        if (entry == null) {
            return "null";
        }
        long expiry = entry.getExpiryMillis();
        return String.valueOf(expiry == 0 ? 0 : expiry - Base.getSafeTimeMillis());
    }

    private static final Map<String, Recorder> LISTENERS = new ConcurrentHashMap<>();

    private static final class Recorder extends MultiplexingMapListener<Object, Object> {
        private final List<String> events = new ArrayList<>();

        @Override
        protected synchronized void onMapEvent(MapEvent<Object, Object> event) {
            boolean synthetic = false;
            boolean expired = false;
            if (event instanceof CacheEvent<Object, Object> cacheEvent) {
                synthetic = cacheEvent.isSynthetic();
                expired = cacheEvent.isExpired();
            }
            events.add("{\"kind\":" + quoted(MapEvent.getDescription(event.getId())) + ",\"key\":" + described(event.getKey())
                    + ",\"old\":" + described(event.getOldValue()) + ",\"new\":" + described(event.getNewValue())
                    + ",\"synthetic\":" + synthetic + ",\"expired\":" + expired + "}");
        }

        synchronized String taken() {
            String all = "[" + String.join(",", events) + "]";
            events.clear();
            return all;
        }
    }

    private static Serializer serializer() {
        return ((CacheService) CacheFactory.getService("PartitionedCache")).getSerializer();
    }

    private interface EntryVisitor {
        void visit(Object key, Object value) throws IOException;
    }

    /** All entries, a few partitions at a time, so that a map of any size passes through a small heap. */
    private static long forEach(String name, EntryVisitor visitor) throws IOException {
        NamedCache<Object, Object> map = map(name);
        int partitions = ((PartitionedService) map.getCacheService()).getPartitionCount();
        long count = 0;
        for (int first = 0; first < partitions; first += PARTITIONS_PER_FETCH) {
            PartitionSet some = new PartitionSet(partitions);
            for (int p = first; p < Math.min(first + PARTITIONS_PER_FETCH, partitions); p++) {
                some.add(p);
            }
            Set<Map.Entry<Object, Object>> entries = map.entrySet(new PartitionedFilter<>(AlwaysFilter.INSTANCE(), some));
            for (Map.Entry<Object, Object> entry : entries) {
                visitor.visit(entry.getKey(), entry.getValue());
                count++;
            }
        }
        return count;
    }

    private static long dump(String map, Path file) throws IOException {
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            return forEach(map, (key, value) -> {
                out.write(escaped(text(key)));
                out.write('\t');
                out.write(escaped(text(value)));
                out.write('\n');
            });
        }
    }

    /**
     * A digest that does not depend on the order of the entries: the sum modulo 2^64 of the FNV-1a 64 hash of
     * {@code text(key) 0x00 text(value)} in UTF-8, printed as 16 hex digits.
     */
    private static String digest(String map) throws IOException {
        long[] sum = {0};
        long count = forEach(map, (key, value) -> {
            long hash = fnv1a(0xcbf29ce484222325L, text(key).getBytes(StandardCharsets.UTF_8));
            hash = fnv1a(hash, new byte[] {0});
            sum[0] += fnv1a(hash, text(value).getBytes(StandardCharsets.UTF_8));
        });
        return "{\"count\":" + count + ",\"digest\":\"" + HEX.toHexDigits(sum[0]) + "\"}";
    }

    private static long fnv1a(long hash, byte[] bytes) {
        for (byte b : bytes) {
            hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
        }
        return hash;
    }

    private static Object value(String type, String text) {
        switch (type) {
            case "string":
                return text;
            case "boolean":
                return Boolean.valueOf(text);
            case "byte":
                return Byte.valueOf(text);
            case "short":
                return Short.valueOf(text);
            case "int":
                return Integer.valueOf(text);
            case "long":
                return Long.valueOf(text);
            case "float":
                return Float.valueOf(text);
            case "double":
                return Double.valueOf(text);
            case "char":
                return text.charAt(0);
            case "big-integer":
                return new BigInteger(text);
            case "big-decimal":
                return new BigDecimal(text);
            case "bytes":
                return HEX.parseHex(text);
            case "binary":
                return new Binary(HEX.parseHex(text));
            case "uuid":
                return UUID.fromString(text);
            case "null":
                return null;
            case "local-date":
                return LocalDate.parse(text);
            case "local-time":
                return LocalTime.parse(text);
            case "local-date-time":
                return LocalDateTime.parse(text);
            case "offset-date-time":
                return OffsetDateTime.parse(text);
            case "instant":
                return Instant.parse(text);
            case "duration":
                return Duration.parse(text);
            case "color":
                return Color.valueOf(text);
            case "ints":
                return Stream.of(text.split(",")).mapToInt(Integer::parseInt).toArray();
            case "list":
                return elements(text);
            case "set":
                return new LinkedHashSet<>(elements(text));
            case "array":
                return elements(text).toArray();
            case "map": { // keys and values in turn
                Iterator<Object> elements = elements(text).iterator();
                Map<Object, Object> map = new LinkedHashMap<>();
                while (elements.hasNext()) {
                    map.put(elements.next(), elements.next());
                }
                return map;
            }
            case "purchase":
                return Shop.Purchase.sample(Integer.parseInt(text));
            case "purchase-id": { // customer|number
                String[] id = text.split("\\|", -1);
                return new Shop.PurchaseId(Long.parseLong(id[0]), Integer.parseInt(id[1]));
            }
            case "purchase-status":
                return Shop.Status.valueOf(text);
            case "order":
                return Order.sample(Integer.parseInt(text));
            case "team":
                return Team.sample(Integer.parseInt(text));
            case "contact": { // name|email|visits
                String[] c = text.split("\\|", -1);
                return new Evolving.Contact(c[0], c[1], Integer.parseInt(c[2]));
            }
            case "dog": { // species|legs|breed
                String[] d = text.split("\\|", -1);
                return new Evolving.Dog(d[0], Integer.parseInt(d[1]), d[2]);
            }
            case "person": { // name|age|street|city
                String[] p = text.split("\\|", -1);
                return new Person(p[0], Integer.parseInt(p[1]), new Address(p[2], p[3]));
            }
            case "object": // what the grid's serializer reads from these bytes
                return ExternalizableHelper.fromBinary(new Binary(HEX.parseHex(text)), serializer());
            default:
                throw new IllegalArgumentException("unknown type " + type);
        }
    }

    /** One element per line, each {@code TYPE TAB VALUE} with the backslash as in commands. */
    private static List<Object> elements(String text) {
        List<Object> elements = new ArrayList<>();
        if (!text.isEmpty()) {
            for (String line : text.split("\n", -1)) {
                String[] element = line.split("\t", 2);
                elements.add(value(element[0], unescaped(element[1])));
            }
        }
        return elements;
    }

    private static String described(Object value) {
        if (value == null) {
            return "null";
        }
        return "{\"class\":" + quoted(value.getClass().getTypeName()) + ",\"text\":" + quoted(text(value)) + "}";
    }

    /** A scalar as itself, bytes in hex, containers with the class of every element: {@code {java.lang.String(a)=java.lang.Long(1)}}. */
    private static String text(Object value) {
        if (value == null) {
            return "null";
        }
        if (value instanceof byte[]) {
            return HEX.formatHex((byte[]) value);
        }
        if (value instanceof Binary) {
            return HEX.formatHex(((Binary) value).toByteArray());
        }
        if (value.getClass().isArray()) {
            List<Object> elements = new ArrayList<>();
            for (int i = 0; i < Array.getLength(value); i++) {
                elements.add(Array.get(value, i));
            }
            return elements(elements);
        }
        if (value instanceof Collection) {
            return elements((Collection<?>) value);
        }
        if (value instanceof Map) {
            List<String> entries = new ArrayList<>();
            ((Map<?, ?>) value).forEach((k, v) -> entries.add(element(k) + "=" + element(v)));
            Collections.sort(entries);
            return "{" + String.join(", ", entries) + "}";
        }
        return value.toString();
    }

    private static String elements(Collection<?> elements) {
        List<String> texts = new ArrayList<>();
        elements.forEach(e -> texts.add(element(e)));
        return "[" + String.join(", ", texts) + "]";
    }

    private static String element(Object value) {
        return value == null ? "null" : value.getClass().getTypeName() + "(" + text(value) + ")";
    }

    private static String escaped(String s) {
        return s.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r");
    }

    private static String unescaped(String s) {
        if (s.indexOf('\\') < 0) {
            return s;
        }
        StringBuilder out = new StringBuilder(s.length());
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c != '\\' || ++i == s.length()) {
                out.append(c);
                continue;
            }
            char escape = s.charAt(i);
            out.append(escape == 't' ? '\t' : escape == 'n' ? '\n' : escape == 'r' ? '\r' : escape);
        }
        return out.toString();
    }

    private static String quoted(String s) {
        StringBuilder out = new StringBuilder(s.length() + 2).append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20 || Character.isSurrogate(c)) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    /** POF user type 1001. */
    public static final class Person implements PortableObject, Serializable {
        private static final long serialVersionUID = 1;

        private String name;
        private int age;
        private Address address;

        public Person() {
        }

        Person(String name, int age, Address address) {
            this.name = name;
            this.age = age;
            this.address = address;
        }

        @Override
        public void readExternal(PofReader in) throws IOException {
            name = in.readString(0);
            age = in.readInt(1);
            address = in.readObject(2);
        }

        @Override
        public void writeExternal(PofWriter out) throws IOException {
            out.writeString(0, name);
            out.writeInt(1, age);
            out.writeObject(2, address);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Person p && Objects.equals(name, p.name) && age == p.age && Objects.equals(address, p.address);
        }

        @Override
        public int hashCode() {
            return Objects.hash(name, age, address);
        }

        @Override
        public String toString() {
            return "Person{" + name + ", " + age + ", " + address + "}";
        }
    }

    /** POF user type 1002. */
    public static final class Address implements PortableObject, Serializable {
        private static final long serialVersionUID = 1;

        private String street;
        private String city;

        public Address() {
        }

        Address(String street, String city) {
            this.street = street;
            this.city = city;
        }

        public String getCity() {
            return city;
        }

        public void setCity(String city) {
            this.city = city;
        }

        @Override
        public void readExternal(PofReader in) throws IOException {
            street = in.readString(0);
            city = in.readString(1);
        }

        @Override
        public void writeExternal(PofWriter out) throws IOException {
            out.writeString(0, street);
            out.writeString(1, city);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Address a && Objects.equals(street, a.street) && Objects.equals(city, a.city);
        }

        @Override
        public int hashCode() {
            return Objects.hash(street, city);
        }

        @Override
        public String toString() {
            return "Address{" + street + ", " + city + "}";
        }
    }

    /** POF user type 1003, by its name. */
    public enum Color {
        RED, GREEN
    }

    /** POF user type 1004: one property for each kind of PofWriter call. */
    public static final class Order implements PortableObject, Serializable {
        private static final long serialVersionUID = 1;

        private long id;
        private String customer;
        private boolean paid;
        private short lines;
        private byte priority;
        private double weight;
        private BigDecimal price;
        private BigInteger reference;
        private LocalDate day;
        private LocalTime time;
        private LocalDateTime placed;
        private UUID uuid;
        private Color color;
        private byte[] image;
        private int[] quantities;
        private Collection<String> tags;
        private Map<String, Integer> stock;
        private Address address;
        private Integer discount;
        private Instant shipped;

        public Order() {
        }

        /** The order of this number: 0 has every default, the others differ from all defaults. */
        static Order sample(int number) {
            Order order = new Order();
            if (number != 0) {
                order.id = number;
                order.customer = "Zoë " + number;
                order.paid = true;
                order.lines = 7;
                order.priority = -1;
                order.weight = 0.5;
                order.price = new BigDecimal("123.45");
                order.reference = BigInteger.ONE.shiftLeft(64);
                order.day = LocalDate.of(2024, 2, 29);
                order.time = LocalTime.of(13, 14, 15, 123_456_789);
                order.placed = LocalDateTime.of(2024, 2, 29, 13, 14, 15, 500_000_000);
                order.uuid = new UUID(1, 2);
                order.color = Color.GREEN;
                order.image = new byte[] {1, 2, -1};
                order.quantities = new int[] {1, -1, 1000};
                order.tags = List.of("new", "");
                order.stock = new LinkedHashMap<>(Map.of("nuts", 5));
                order.address = new Address(null, "Prague");
                order.discount = 5;
                order.shipped = Instant.ofEpochSecond(1_700_000_000, 500_000_000);
            }
            return order;
        }

        @Override
        public void readExternal(PofReader in) throws IOException {
            id = in.readLong(0);
            customer = in.readString(1);
            paid = in.readBoolean(2);
            lines = in.readShort(3);
            priority = in.readByte(4);
            weight = in.readDouble(5);
            price = in.readBigDecimal(6);
            reference = in.readBigInteger(7);
            day = in.readLocalDate(8);
            time = in.readLocalTime(9);
            placed = in.readLocalDateTime(10);
            uuid = in.readObject(11);
            color = in.readObject(12);
            image = in.readByteArray(13);
            quantities = in.readIntArray(14);
            tags = in.readCollection(15, new ArrayList<>());
            stock = in.readMap(16, new LinkedHashMap<>());
            address = in.readObject(17);
            discount = in.readObject(18);
            shipped = in.readObject(19);
        }

        @Override
        public void writeExternal(PofWriter out) throws IOException {
            out.writeLong(0, id);
            out.writeString(1, customer);
            out.writeBoolean(2, paid);
            out.writeShort(3, lines);
            out.writeByte(4, priority);
            out.writeDouble(5, weight);
            out.writeBigDecimal(6, price);
            out.writeBigInteger(7, reference);
            out.writeDate(8, day);
            out.writeTime(9, time);
            out.writeDateTime(10, placed);
            out.writeObject(11, uuid);
            out.writeObject(12, color);
            out.writeByteArray(13, image);
            out.writeIntArray(14, quantities);
            out.writeCollection(15, tags, String.class);
            out.writeMap(16, stock);
            out.writeObject(17, address);
            out.writeObject(18, discount);
            out.writeObject(19, shipped);
        }

        @Override
        public String toString() {
            return "Order{" + id + ", " + customer + ", " + paid + ", " + lines + ", " + priority + ", " + weight + ", " + price
                    + ", " + reference + ", " + day + ", " + time + ", " + placed + ", " + uuid + ", " + color + ", "
                    + text(image) + ", " + text(quantities) + ", " + text(tags) + ", " + text(stock) + ", " + address + ", "
                    + discount + ", " + shipped + "}";
        }
    }
}
