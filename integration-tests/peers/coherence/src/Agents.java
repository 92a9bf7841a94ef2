import com.tangosol.io.pof.reflect.SimplePofPath;
import com.tangosol.util.Filter;
import com.tangosol.util.InvocableMap.EntryAggregator;
import com.tangosol.util.InvocableMap.EntryProcessor;
import com.tangosol.util.ValueExtractor;
import com.tangosol.util.ValueManipulator;
import com.tangosol.util.ValueUpdater;
import com.tangosol.util.aggregator.BigDecimalAverage;
import com.tangosol.util.aggregator.BigDecimalMax;
import com.tangosol.util.aggregator.BigDecimalMin;
import com.tangosol.util.aggregator.BigDecimalSum;
import com.tangosol.util.aggregator.ComparableMax;
import com.tangosol.util.aggregator.ComparableMin;
import com.tangosol.util.aggregator.CompositeAggregator;
import com.tangosol.util.aggregator.Count;
import com.tangosol.util.aggregator.DistinctValues;
import com.tangosol.util.aggregator.DoubleAverage;
import com.tangosol.util.aggregator.DoubleMax;
import com.tangosol.util.aggregator.DoubleMin;
import com.tangosol.util.aggregator.DoubleSum;
import com.tangosol.util.aggregator.GroupAggregator;
import com.tangosol.util.aggregator.LongMax;
import com.tangosol.util.aggregator.LongMin;
import com.tangosol.util.aggregator.LongSum;
import com.tangosol.util.aggregator.ReducerAggregator;
import com.tangosol.util.aggregator.TopNAggregator;
import com.tangosol.util.comparator.InverseComparator;
import com.tangosol.util.comparator.SafeComparator;
import com.tangosol.util.extractor.AbstractExtractor;
import com.tangosol.util.extractor.ChainedExtractor;
import com.tangosol.util.extractor.CompositeUpdater;
import com.tangosol.util.extractor.IdentityExtractor;
import com.tangosol.util.extractor.KeyExtractor;
import com.tangosol.util.extractor.MultiExtractor;
import com.tangosol.util.extractor.PofExtractor;
import com.tangosol.util.extractor.PofUpdater;
import com.tangosol.util.extractor.ReflectionExtractor;
import com.tangosol.util.extractor.ReflectionUpdater;
import com.tangosol.util.extractor.UniversalExtractor;
import com.tangosol.util.extractor.UniversalUpdater;
import com.tangosol.util.filter.AllFilter;
import com.tangosol.util.filter.AlwaysFilter;
import com.tangosol.util.filter.AndFilter;
import com.tangosol.util.filter.AnyFilter;
import com.tangosol.util.filter.BetweenFilter;
import com.tangosol.util.filter.ContainsAllFilter;
import com.tangosol.util.filter.ContainsAnyFilter;
import com.tangosol.util.filter.ContainsFilter;
import com.tangosol.util.filter.EqualsFilter;
import com.tangosol.util.filter.GreaterEqualsFilter;
import com.tangosol.util.filter.GreaterFilter;
import com.tangosol.util.filter.InFilter;
import com.tangosol.util.filter.InKeySetFilter;
import com.tangosol.util.filter.IsNotNullFilter;
import com.tangosol.util.filter.IsNullFilter;
import com.tangosol.util.filter.LessEqualsFilter;
import com.tangosol.util.filter.LessFilter;
import com.tangosol.util.filter.LikeFilter;
import com.tangosol.util.filter.MapEventFilter;
import com.tangosol.util.filter.MapEventTransformerFilter;
import com.tangosol.util.filter.NeverFilter;
import com.tangosol.util.filter.NotEqualsFilter;
import com.tangosol.util.filter.NotFilter;
import com.tangosol.util.filter.OrFilter;
import com.tangosol.util.filter.PresentFilter;
import com.tangosol.util.filter.RegexFilter;
import com.tangosol.util.filter.XorFilter;
import com.tangosol.util.processor.CompositeProcessor;
import com.tangosol.util.processor.ConditionalProcessor;
import com.tangosol.util.processor.ConditionalPut;
import com.tangosol.util.processor.ConditionalPutAll;
import com.tangosol.util.processor.ConditionalRemove;
import com.tangosol.util.processor.ExtractorProcessor;
import com.tangosol.util.processor.NumberIncrementor;
import com.tangosol.util.processor.NumberMultiplier;
import com.tangosol.util.processor.PreloadRequest;
import com.tangosol.util.processor.PropertyManipulator;
import com.tangosol.util.processor.TouchProcessor;
import com.tangosol.util.processor.UpdaterProcessor;
import com.tangosol.util.processor.VersionedPut;
import com.tangosol.util.processor.VersionedPutAll;
import com.tangosol.util.transformer.ExtractorEventTransformer;
import com.tangosol.util.transformer.SemiLiteEventTransformer;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Filters, processors, aggregators and extractors over maps of {@link Item}, by name, as a Java application makes them. */
@SuppressWarnings({"unchecked", "rawtypes"})
final class Agents {
    private Agents() {
    }

    private static final Map<String, Object> ALL = new LinkedHashMap<>();

    /** A new one each time: a filter that ran keeps its parts in the order that was best. */
    static synchronized Object named(String name) {
        ALL.clear();
        extractors();
        filters();
        events();
        processors();
        aggregators();
        Object agent = ALL.get(name);
        if (agent == null) {
            throw new IllegalArgumentException("unknown agent " + name);
        }
        return agent;
    }

    private static ValueExtractor property(String name) {
        return new UniversalExtractor<>(name);
    }

    private static ValueUpdater updater(String name) {
        return new UniversalUpdater(name);
    }

    private static Set set(Object... elements) {
        return new LinkedHashSet<>(List.of(elements));
    }

    private static void extractors() {
        ALL.put("x-identity", IdentityExtractor.INSTANCE);
        ALL.put("x-property", property("count"));
        ALL.put("x-method", property("getCount()"));
        ALL.put("x-key-property", new UniversalExtractor<>("length()", null, AbstractExtractor.KEY));
        ALL.put("x-reflection", new ReflectionExtractor<>("getCount"));
        ALL.put("x-reflection-arguments", new ReflectionExtractor<>("compareTo", new Object[] {"x"}));
        ALL.put("x-key", new KeyExtractor<>(IdentityExtractor.INSTANCE()));
        ALL.put("x-chained", new ChainedExtractor<>(new ValueExtractor[] {property("maker"), property("city")}));
        ALL.put("x-multi", new MultiExtractor(new ValueExtractor[] {property("name"), property("count")}));
        ALL.put("x-pof", new PofExtractor<>(null, 1));
        ALL.put("x-pof-path", new PofExtractor<>(null, new SimplePofPath(new int[] {4, 1})));
        ALL.put("x-pof-int", new PofExtractor<>(Integer.class, 1));
        ALL.put("x-pof-key", new PofExtractor<>(null, new SimplePofPath(0), AbstractExtractor.KEY));
    }

    private static void filters() {
        ALL.put("always", AlwaysFilter.INSTANCE());
        ALL.put("never", NeverFilter.INSTANCE());
        ALL.put("present", PresentFilter.INSTANCE());
        ALL.put("not", new NotFilter(new EqualsFilter(property("count"), 5)));
        ALL.put("all", new AllFilter(new Filter[] {new GreaterFilter(property("count"), 3), new LikeFilter(property("name"), "b%")}));
        ALL.put("any", new AnyFilter(new Filter[] {new LessFilter(property("count"), 3), new LikeFilter(property("name"), "b%")}));
        ALL.put("and", new AndFilter(new GreaterFilter(property("count"), 3), new LikeFilter(property("name"), "b%")));
        ALL.put("or", new OrFilter(new LessFilter(property("count"), 3), new LikeFilter(property("name"), "b%")));
        ALL.put("xor", new XorFilter(new GreaterFilter(property("count"), 3), new LikeFilter(property("name"), "b%")));
        ALL.put("equal", new EqualsFilter(property("count"), 5));
        ALL.put("equal-text", new EqualsFilter(property("name"), "bolt"));
        ALL.put("equal-object", new EqualsFilter(property("maker"), new GridTool.Address("Main Street", "Prague")));
        ALL.put("equal-chained", new EqualsFilter(new ChainedExtractor(new ValueExtractor[] {property("maker"), property("city")}), "Prague"));
        ALL.put("equal-reflection", new EqualsFilter(new ReflectionExtractor("getCount"), 5));
        ALL.put("equal-key", new EqualsFilter(new KeyExtractor(IdentityExtractor.INSTANCE()), "b"));
        ALL.put("equal-pof", new EqualsFilter(new PofExtractor(null, new SimplePofPath(new int[] {4, 1})), "Prague"));
        ALL.put("not-equal", new NotEqualsFilter(property("count"), 5));
        ALL.put("less", new LessFilter(property("count"), 5));
        ALL.put("less-equal", new LessEqualsFilter(property("count"), 5));
        ALL.put("greater", new GreaterFilter(property("price"), 1.5));
        ALL.put("greater-equal", new GreaterEqualsFilter(property("price"), 1.5));
        ALL.put("between", new BetweenFilter(property("count"), 3, 7));
        ALL.put("between-open", new BetweenFilter(property("count"), 3, 7, false, false));
        ALL.put("between-half-open", new BetweenFilter(property("count"), 3, 7, true, false));
        ALL.put("like", new LikeFilter(property("name"), "%ut%"));
        ALL.put("like-any-case", new LikeFilter(property("name"), "B_lt", (char) 0, true));
        ALL.put("like-escaped", new LikeFilter(property("name"), "10\\%%", '\\', false));
        ALL.put("regex", new RegexFilter(property("name"), "b.*t"));
        ALL.put("in", new InFilter(property("count"), set(5, 3, 99)));
        ALL.put("contains", new ContainsFilter(property("tags"), "steel"));
        ALL.put("contains-any", new ContainsAnyFilter(property("tags"), set("brass", "cheap")));
        ALL.put("contains-all", new ContainsAllFilter(property("tags"), set("steel", "cheap")));
        ALL.put("is-null", new IsNullFilter(property("rank")));
        ALL.put("is-not-null", new IsNotNullFilter(property("rank")));
        ALL.put("keys", new InKeySetFilter(AlwaysFilter.INSTANCE(), set("a", "c", "zz")));
        ALL.put("keys-where", new InKeySetFilter(new EqualsFilter(property("count"), 5), set("a", "b")));
    }

    private static void events() {
        ALL.put("events-all", new MapEventFilter(MapEventFilter.E_ALL));
        ALL.put("events-inserted", new MapEventFilter(MapEventFilter.E_INSERTED, AlwaysFilter.INSTANCE()));
        ALL.put("events-key-set", new MapEventFilter(MapEventFilter.E_KEYSET, new LessFilter(property("count"), 5)));
        ALL.put("events-transformed", new MapEventTransformerFilter(new MapEventFilter(MapEventFilter.E_ALL), new ExtractorEventTransformer(property("count"))));
        ALL.put("events-transformed-new", new MapEventTransformerFilter(AlwaysFilter.INSTANCE(), new ExtractorEventTransformer(null, property("count"))));
        ALL.put("events-new-values", new MapEventTransformerFilter(AlwaysFilter.INSTANCE(), SemiLiteEventTransformer.INSTANCE));
    }

    private static Item item(int version) {
        return new Item("washer", 7, 0.25, List.of("steel"), new GridTool.Address(null, "Brno"), 2, version);
    }

    private static void processors() {
        Filter absent = new NotFilter(PresentFilter.INSTANCE());
        ALL.put("put", new ConditionalPut(AlwaysFilter.INSTANCE(), item(0)));
        ALL.put("put-if-absent", new ConditionalPut(absent, item(0), true));
        ALL.put("put-if", new ConditionalPut(new EqualsFilter(property("count"), 5), item(0), true));
        Map all = new LinkedHashMap<>();
        all.put("a", item(0));
        all.put("zz", item(3));
        ALL.put("put-all-if-present", new ConditionalPutAll(PresentFilter.INSTANCE(), all));
        ALL.put("remove", new ConditionalRemove(AlwaysFilter.INSTANCE()));
        ALL.put("remove-if", new ConditionalRemove(new LessFilter(property("count"), 5), true));
        ALL.put("extract", new ExtractorProcessor(property("count")));
        ALL.put("update", new UpdaterProcessor(updater("count"), 60));
        ALL.put("update-method", new UpdaterProcessor(updater("setCount()"), 60));
        ALL.put("update-reflection", new UpdaterProcessor(new ReflectionUpdater("setCount"), 60));
        ALL.put("update-pof", new UpdaterProcessor(new PofUpdater(1), 60));
        ALL.put("update-chained", new UpdaterProcessor(new CompositeUpdater(property("maker"), updater("city")), "Oslo"));
        ALL.put("increment", new NumberIncrementor("Count", 2, false));
        ALL.put("increment-post", new NumberIncrementor("Count", 2, true));
        ALL.put("increment-double", new NumberIncrementor("Price", 0.5, false));
        ALL.put("increment-by-pof", new NumberIncrementor((ValueManipulator) new CompositeUpdater(new PofExtractor(null, 1), new PofUpdater(1)), 2, false));
        ALL.put("multiply", new NumberMultiplier("Count", 3, false));
        ALL.put("versioned-put", new VersionedPut(item(0), false, true));
        ALL.put("versioned-put-insert", new VersionedPut(item(0), true, false));
        Map versioned = new LinkedHashMap<>();
        versioned.put("a", item(0));
        versioned.put("zz", item(3));
        ALL.put("versioned-put-all", new VersionedPutAll(versioned, true, true));
        ALL.put("conditional", new ConditionalProcessor(new EqualsFilter(property("count"), 5), new ExtractorProcessor(property("name"))));
        ALL.put("composite", new CompositeProcessor(new EntryProcessor[] {new ExtractorProcessor(property("name")), new UpdaterProcessor(updater("count"), 60)}));
        ALL.put("preload", new PreloadRequest());
        ALL.put("touch", new TouchProcessor());
    }

    private static void aggregators() {
        ALL.put("count", new Count());
        ALL.put("long-sum", new LongSum(property("count")));
        ALL.put("double-sum", new DoubleSum(property("price")));
        ALL.put("decimal-sum", new BigDecimalSum(property("price")));
        ALL.put("long-min", new LongMin(property("count")));
        ALL.put("long-max", new LongMax(property("count")));
        ALL.put("double-min", new DoubleMin(property("price")));
        ALL.put("double-max", new DoubleMax(property("price")));
        ALL.put("decimal-min", new BigDecimalMin(property("price")));
        ALL.put("decimal-max", new BigDecimalMax(property("price")));
        ALL.put("min", new ComparableMin(property("name")));
        ALL.put("max", new ComparableMax(property("name")));
        ALL.put("average", new DoubleAverage(property("count")));
        ALL.put("decimal-average", new BigDecimalAverage(property("count")));
        ALL.put("distinct", new DistinctValues(property("count")));
        ALL.put("extracted", new ReducerAggregator(property("count")));
        ALL.put("group", GroupAggregator.createInstance(property("count"), new Count()));
        ALL.put("group-having", GroupAggregator.createInstance(property("count"), new Count(), new GreaterFilter(IdentityExtractor.INSTANCE(), 1)));
        ALL.put("top", new TopNAggregator(property("count"), SafeComparator.INSTANCE(), 3));
        ALL.put("bottom", new TopNAggregator(property("count"), new InverseComparator(SafeComparator.INSTANCE()), 3));
        ALL.put("several", CompositeAggregator.createInstance(new EntryAggregator[] {new Count(), new LongSum(property("count"))}));
    }
}
