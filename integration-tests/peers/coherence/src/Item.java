import com.tangosol.io.pof.PofReader;
import com.tangosol.io.pof.PofWriter;
import com.tangosol.io.pof.PortableObject;
import com.tangosol.util.Versionable;

import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/** POF user type 1007, and the JSON alias {@code shop.Item}: a value with properties to query. */
public final class Item implements PortableObject, Serializable, Versionable<Integer> {
    private static final long serialVersionUID = 1;

    private String name;
    private int count;
    private double price;
    private List<String> tags;
    private GridTool.Address maker;
    private Integer rank;
    private int version;

    public Item() {
    }

    Item(String name, int count, double price, List<String> tags, GridTool.Address maker, Integer rank, int version) {
        this.name = name;
        this.count = count;
        this.price = price;
        this.tags = tags;
        this.maker = maker;
        this.rank = rank;
        this.version = version;
    }

    public String getName() {
        return name;
    }

    public int getCount() {
        return count;
    }

    public void setCount(int count) {
        this.count = count;
    }

    public double getPrice() {
        return price;
    }

    public void setPrice(double price) {
        this.price = price;
    }

    public List<String> getTags() {
        return tags;
    }

    public GridTool.Address getMaker() {
        return maker;
    }

    public Integer getRank() {
        return rank;
    }

    @Override
    public Integer getVersionIndicator() {
        return version;
    }

    @Override
    public void incrementVersion() {
        version++;
    }

    @Override
    public void readExternal(PofReader in) throws IOException {
        name = in.readString(0);
        count = in.readInt(1);
        price = in.readDouble(2);
        tags = in.readCollection(3, new ArrayList<>());
        maker = in.readObject(4);
        rank = in.readObject(5);
        version = in.readInt(6);
    }

    @Override
    public void writeExternal(PofWriter out) throws IOException {
        out.writeString(0, name);
        out.writeInt(1, count);
        out.writeDouble(2, price);
        out.writeCollection(3, tags);
        out.writeObject(4, maker);
        out.writeObject(5, rank);
        out.writeInt(6, version);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Item i && toString().equals(i.toString());
    }

    @Override
    public int hashCode() {
        return toString().hashCode();
    }

    @Override
    public String toString() {
        return "Item{" + name + ", " + count + ", " + price + ", " + tags + ", " + maker + ", " + rank + ", " + version + "}";
    }
}
