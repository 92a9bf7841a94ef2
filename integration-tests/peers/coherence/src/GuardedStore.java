import com.tangosol.net.cache.CacheStore;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A database behind the maps of a member, which may be down, slow, and refuse some keys for good. It is one for all maps
 * of the process. No two texts of its exceptions are alike, and some hold words of the grid.
 */
public class GuardedStore implements CacheStore<Object, Object> {
    /** While it is down it throws at everything. */
    static volatile boolean down;
    /** What an entry takes, one behind the other. */
    static volatile long millis;
    /** How many entries were written. */
    static final AtomicLong WRITTEN = new AtomicLong();

    private static final Map<Object, Object> TABLE = new ConcurrentHashMap<>();
    private static final AtomicLong TEXTS = new AtomicLong();
    private static final Object CONNECTION = new Object();

    @Override
    public Object load(Object key) {
        return null;
    }

    @Override
    public Map<Object, Object> loadAll(Collection<?> keys) {
        return Map.of();
    }

    @Override
    public void store(Object key, Object value) {
        check(key);
        TABLE.put(key, value);
    }

    @Override
    public void storeAll(Map<?, ?> entries) {
        entries.forEach(this::store);
    }

    @Override
    public void erase(Object key) {
        check(key);
        TABLE.remove(key);
    }

    @Override
    public void eraseAll(Collection<?> keys) {
        keys.forEach(this::erase);
    }

    private static void check(Object key) {
        long n = TEXTS.incrementAndGet();
        if (down) {
            throw new IllegalStateException("Connection is not available, request timed out after " + n + "ms (total=10)");
        }
        if (key.toString().startsWith("poison")) {
            throw new IllegalStateException("Constraint " + n + " is violated. The statement has been terminated.");
        }
        if (millis > 0) {
            synchronized (CONNECTION) {
                try {
                    Thread.sleep(millis);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IllegalStateException(e);
                }
            }
        }
        WRITTEN.incrementAndGet();
    }
}
