package com.acme;

import com.tangosol.io.pof.PofReader;
import com.tangosol.io.pof.PofWriter;
import com.tangosol.io.pof.PortableObject;
import com.tangosol.io.pof.annotation.Portable;
import com.tangosol.io.pof.annotation.PortableProperty;
import com.tangosol.net.cache.KeyAssociation;

import java.io.IOException;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Classes of an application that knows nothing of Kafka. */
public final class Shop {
    private Shop() {
    }

    /** POF user type 1020, a key: the purchases of a customer are in one partition. */
    public static final class PurchaseId implements PortableObject, KeyAssociation<Long> {
        private long customer;
        private int number;

        public PurchaseId() {
        }

        public PurchaseId(long customer, int number) {
            this.customer = customer;
            this.number = number;
        }

        @Override
        public Long getAssociatedKey() {
            return customer;
        }

        @Override
        public void readExternal(PofReader in) throws IOException {
            customer = in.readLong(0);
            number = in.readInt(1);
        }

        @Override
        public void writeExternal(PofWriter out) throws IOException {
            out.writeLong(0, customer);
            out.writeInt(1, number);
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof PurchaseId id && id.customer == customer && id.number == number;
        }

        @Override
        public int hashCode() {
            return Objects.hash(customer, number);
        }

        @Override
        public String toString() {
            return "PurchaseId{" + customer + ", " + number + "}";
        }
    }

    /** POF user type 1021. */
    public static final class Purchase implements PortableObject {
        private String customer;
        private Status status;
        private List<Line> lines;
        private LocalDate due;
        private Integer rating;
        private boolean express;
        private Map<String, Long> points;
        private BigDecimal total;
        private int[] codes;

        public Purchase() {
        }

        /** The purchase of this number: 0 has every default. */
        public static Purchase sample(int number) {
            Purchase purchase = new Purchase();
            if (number != 0) {
                purchase.customer = "Zoë " + number;
                purchase.status = Status.SHIPPED;
                purchase.lines = new ArrayList<>(List.of(new Line("nut", 3, 0.5), new Line(null, 0, 0)));
                purchase.due = LocalDate.of(2026, 11, 30);
                purchase.rating = number;
                purchase.express = true;
                purchase.points = new LinkedHashMap<>(Map.of("home", 3L));
                purchase.total = new BigDecimal("1.50");
                purchase.codes = new int[] {1, number};
            }
            return purchase;
        }

        public String getCustomer() {
            return customer;
        }

        public Status getStatus() {
            return status;
        }

        @Override
        public void readExternal(PofReader in) throws IOException {
            customer = in.readString(0);
            status = in.readObject(1);
            lines = in.readCollection(2, new ArrayList<>());
            due = in.readLocalDate(3);
            rating = in.readObject(4);
            express = in.readBoolean(5);
            points = in.readMap(6, new LinkedHashMap<>());
            total = in.readBigDecimal(7);
            codes = in.readIntArray(9);
        }

        @Override
        public void writeExternal(PofWriter out) throws IOException {
            out.writeString(0, customer);
            out.writeObject(1, status);
            out.writeCollection(2, lines);
            out.writeDate(3, due);
            out.writeObject(4, rating);
            out.writeBoolean(5, express);
            out.writeMap(6, points);
            out.writeBigDecimal(7, total);
            out.writeIntArray(9, codes);
        }

        @Override
        public String toString() {
            return "Purchase{" + customer + ", " + status + ", " + lines + ", " + due + ", " + rating + ", " + express + ", "
                    + (points == null ? null : new TreeMap<>(points)) + ", " + total + ", "
                    + java.util.Arrays.toString(codes) + "}";
        }
    }

    /** POF user type 1022, which Coherence reads and writes by its annotations. */
    @Portable
    public static final class Line {
        @PortableProperty(0)
        private String article;
        @PortableProperty(1)
        private int count;
        @PortableProperty(2)
        private double price;

        public Line() {
        }

        Line(String article, int count, double price) {
            this.article = article;
            this.count = count;
            this.price = price;
        }

        @Override
        public String toString() {
            return "Line{" + article + ", " + count + ", " + price + "}";
        }
    }

    /** POF user type 1023. */
    public enum Status {
        NEW, PAID, SHIPPED
    }
}
